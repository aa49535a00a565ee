#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/random.h"
#include "report/json.h"
#include "scan/scanner.h"
#include "scan/test_files.h"

namespace stillwatch::scan {
namespace {

std::string line_of(int account, int64_t seconds, int prompt) {
  return fmt::format(
             R"({{"time":{},"account":"a{}","request":{{"messages":[{{"role":"user","content":"What about thing number {} of the {} list?"}}]}},"response":{{"choices":[{{"index":0,"message":{{"content":"ok"}}}}]}}}})",
             1'772'445'600 + seconds, account, prompt, prompt % 17) +
         "\n";
}

std::string log_of(int lines) {
  base::Random random(5);
  std::string log;
  for (int i = 0; i < lines; ++i)
    log += line_of(static_cast<int>(random.below(9)), i, static_cast<int>(random.below(5000)));
  return log;
}

struct Outcome {
  report::ReadStats stats;
  std::string json;
};

Outcome run(const std::vector<std::string>& paths, Options options = {}) {
  pipeline::Pipeline pipeline(nullptr, {}, {});
  const auto stats = scan(paths, options, pipeline, nullptr);
  EXPECT_TRUE(stats) << (stats ? "" : stats.error().message);
  std::string json;
  report::write_json(pipeline.findings(), {}, [&](std::string_view text) { json += text; });
  return {stats.value_or(report::ReadStats{}), json};
}

TEST(Scan, GivesTheSameFindingsFromEveryContainer) {
  const Folder folder;
  const std::string log = log_of(3000);
  const Outcome plain = run({folder.write("log", log)});
  EXPECT_EQ(plain.stats.exchanges, 3000u);
  EXPECT_EQ(plain.stats.broken, 0u);
  EXPECT_EQ(run({folder.write("log.gz", gzip(log))}).json, plain.json);
  EXPECT_EQ(run({folder.write("log.zst", zstandard(log))}).json, plain.json);
  // Two gzip members one after another, the cut in the middle of a line.
  EXPECT_EQ(run({folder.write("members.gz", gzip(log.substr(0, 12345)) + gzip(log.substr(12345)))}).json, plain.json);
  // No newline at the end.
  EXPECT_EQ(run({folder.write("open", log.substr(0, log.size() - 1))}).json, plain.json);
}

TEST(Scan, DoesNotDependOnTheNumberOfThreads) {
  const Folder folder;
  const std::string path = folder.write("log", log_of(12'000));
  Options one, four;
  four.threads = 4;
  EXPECT_EQ(run({path}, one).json, run({path}, four).json);
}

TEST(Scan, PutsLateLinesRight) {
  const Folder folder;
  std::vector<std::string> lines;
  for (int i = 0; i < 600; ++i) lines.push_back(line_of(i % 3, i, i));
  std::string ordered, shuffled;
  for (const auto& l : lines) ordered += l;
  base::Random random(8);
  for (size_t block = 0; block < lines.size(); block += 200) random.shuffle(std::span(lines).subspan(block, 200));
  for (const auto& l : lines) shuffled += l;
  const Outcome a = run({folder.write("ordered", ordered)});
  const Outcome b = run({folder.write("shuffled", shuffled)});
  EXPECT_EQ(a.json, b.json);
  EXPECT_EQ(b.stats.late, 0u);
}

TEST(Scan, CountsAndLocatesBrokenLinesAndGoesOn) {
  const Folder folder;
  const std::string path = folder.write("log", line_of(1, 0, 1) + "{broken\n\n" + std::string("\0\0\0\n", 4) +
                                                   line_of(1, 1, 2) + "{\"time\":1}\n" + line_of(2, 2, 3));
  const Outcome o = run({path});
  EXPECT_EQ(o.stats.exchanges, 3u);
  EXPECT_EQ(o.stats.broken, 3u);
  ASSERT_EQ(o.stats.located.size(), 3u);
  EXPECT_EQ(o.stats.located[0], path + ":2: not JSON");
  EXPECT_EQ(o.stats.located[1].substr(path.size(), 3), ":4:");
  EXPECT_EQ(o.stats.located[2].substr(path.size(), 3), ":6:");
  Options strict;
  strict.strict = true;
  pipeline::Pipeline pipeline(nullptr, {}, {});
  const auto stopped = scan({path}, strict, pipeline, nullptr);
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message.find(":2: not JSON"), std::string::npos);
}

TEST(Scan, ReadsWhatIsGoodOfACutOffFile) {
  const Folder folder;
  const std::string log = log_of(5000);
  for (const std::string& whole : {gzip(log), zstandard(log)}) {
    const Outcome o =
        run({folder.write("cut", whole.substr(0, whole.size() / 2)), folder.write("good", line_of(50, 1, 1))});
    EXPECT_GT(o.stats.exchanges, 100u);
    ASSERT_EQ(o.stats.file_errors.size(), 1u);
    EXPECT_NE(o.stats.file_errors[0].find("cut off"), std::string::npos);
    EXPECT_NE(o.json.find("\"a50\""), std::string::npos) << "the next file is read";
  }
}

TEST(Scan, StrictTellsOfTheCutNotOfTheLineThatItLeftHalf) {
  const Folder folder;
  const std::string whole = gzip(log_of(5000));
  Options strict;
  strict.strict = true;
  pipeline::Pipeline pipeline(nullptr, {}, {});
  const auto stopped = scan({folder.write("cut", whole.substr(0, whole.size() / 2))}, strict, pipeline, nullptr);
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message.find("cut off"), std::string::npos) << stopped.error().message;
}

TEST(Scan, NamesFilesThatAreNotThereOrNotLogs) {
  const Folder folder;
  const Outcome o = run({"/nonexistent/log", folder.write("noise", "hello\nworld\n"), folder.write("empty", "")});
  ASSERT_EQ(o.stats.file_errors.size(), 2u);
  EXPECT_NE(o.stats.file_errors[0].find("/nonexistent/log"), std::string::npos);
  EXPECT_NE(o.stats.file_errors[1].find("--format"), std::string::npos);
}

TEST(Scan, SkipsALineBeyondTheLimitInBoundedMemory) {
  const Folder folder;
  std::string log = line_of(1, 0, 1);
  log += "{\"x\":\"" + std::string(base::kLineBytesMax + (2 << 20), 'y') + "\"}\n";
  log += line_of(1, 1, 2);
  Options options;
  options.format = dialect::LogFormat::kExchange;
  const Outcome o = run({folder.write("long", log)}, options);
  EXPECT_EQ(o.stats.exchanges, 2u);
  EXPECT_EQ(o.stats.broken, 1u);
  ASSERT_FALSE(o.stats.located.empty());
  EXPECT_NE(o.stats.located[0].find(":2: the line is longer"), std::string::npos);
}

TEST(Scan, FallsBackToWhoeverIsNamedAndCountsTheNameless) {
  const Folder folder;
  const std::string request = R"("request":{"messages":[{"role":"user","content":"x y"}]},"response":null})";
  const std::string path = folder.write(
      "log", R"({"time":1772445600,"organization":"org",)" + request + "\n" + R"({"time":1772445601,"user":"u",)" +
                 request + "\n" + R"({"time":1772445602,"network":"192.0.2.1",)" + request + "\n" +
                 R"({"time":1772445603,)" + request + "\n" + R"({"time":1772445604,"account":")" +
                 std::string(5000, 'a') + "\"," + request + "\n");
  const Outcome o = run({path});
  EXPECT_EQ(o.stats.unidentified, 1u);
  for (const char* name : {"\"organization:org\"", "\"user:u\"", "\"network:192.0.2.1\"", "\"long-"}) {
    EXPECT_NE(o.json.find(name), std::string::npos) << name;
  }
}

TEST(Scan, LeavesOutAndLocatesExchangesWhoseClockIsWrong) {
  const Folder folder;
  std::string log;
  for (int i = 0; i < 300; ++i) log += line_of(1, i == 10 ? 400'000'000 : i == 20 ? -900'000'000 : i, i);
  const std::string path = folder.write("log", log);
  const Outcome o = run({path});
  EXPECT_EQ(o.stats.exchanges, 298u);
  EXPECT_EQ(o.stats.late, 0u);
  EXPECT_EQ(o.stats.broken, 2u);
  ASSERT_EQ(o.stats.located.size(), 2u);
  EXPECT_EQ(o.stats.located[0], path + ":21: dated before 2015: a clock that was not set");
  EXPECT_EQ(o.stats.located[1].find(path + ":11: dated 2038-"), 0u) << o.stats.located[1];
  EXPECT_NE(o.json.find("\"to\":\"2026-03-02T10:04:59.000Z\""), std::string::npos) << o.json.substr(0, 300);
}

TEST(Scan, MergesFilesByTimeInWhateverOrderTheyAreGiven) {
  const Folder folder;
  // Four days, one line every two minutes, dealt to three gateways; then cut by day.
  std::string whole, gateways[3], days[4];
  base::Random random(6);
  for (int i = 0; i < 4 * 720; ++i) {
    const std::string line = line_of(static_cast<int>(random.below(5)), i * 120, i);
    whole += line;
    gateways[random.below(3)] += line;
    days[i / 720] += line;
  }
  const Outcome one = run({folder.write("whole", whole)});
  const Outcome by_gateway =
      run({folder.write("g1", gateways[0]), folder.write("g2.gz", gzip(gateways[1])), folder.write("g3", gateways[2])});
  EXPECT_EQ(by_gateway.json.substr(by_gateway.json.find("\"accounts\":[")),
            one.json.substr(one.json.find("\"accounts\":[")));
  EXPECT_EQ(by_gateway.stats.late, 0u);
  const Outcome by_day = run({folder.write("d4", days[3]), folder.write("d1", days[0]), folder.write("d3", days[2]),
                              folder.write("d2", days[1])});
  EXPECT_EQ(by_day.json, one.json);
  EXPECT_EQ(by_day.stats.late, 0u);
}

TEST(Scan, ReadsMoreFilesThanItHoldsOpen) {
  const Folder folder;
  std::vector<std::string> paths;
  std::string whole;
  for (int i = 0; i < 80; ++i) {
    const std::string line = line_of(i % 2, i * 3600, i);
    whole += line;
    paths.push_back(folder.write("part" + std::to_string(i), line));
  }
  const Outcome parts = run(paths);
  EXPECT_EQ(parts.stats.exchanges, 80u);
  EXPECT_EQ(parts.stats.late, 0u);
  EXPECT_EQ(parts.json, run({folder.write("whole", whole)}).json);
}

TEST(Scan, GetsThroughGarbage) {
  const Folder folder;
  base::Random random(11);
  std::string noise(8 << 20, '\0');
  for (char& c : noise) c = static_cast<char>(random.below(256));
  const std::string good = line_of(1, 0, 1);
  const Outcome o = run({folder.write("noise", noise), folder.write("noise.gz", gzip(noise.substr(0, 1 << 20))),
                         folder.write("zeros", good + std::string(3 << 20, '\0') + "\n" + line_of(1, 1, 2)),
                         folder.write("blank", std::string(2 << 20, '\n'))});
  EXPECT_EQ(o.stats.exchanges, 2u);
  EXPECT_EQ(o.stats.file_errors.size(), 3u);
  EXPECT_EQ(o.stats.broken, 1u);
}

TEST(Scan, StopsInGoodOrderWhenAskedTo) {
  const Folder folder;
  const std::string path = folder.write("log", log_of(20'000));
  pipeline::Pipeline pipeline(nullptr, {}, {});
  const auto stats = scan({path}, {}, pipeline, [](uint64_t, uint64_t exchanges) { return exchanges == 0; });
  ASSERT_TRUE(stats);
  EXPECT_GT(stats->exchanges, 0u);
  EXPECT_LT(stats->exchanges, 20'000u);
  EXPECT_EQ(pipeline.findings().exchanges, stats->exchanges);
}

TEST(Scan, TellsProgressInBytesOfTheFile) {
  const Folder folder;
  const std::string bytes = gzip(log_of(3000));
  const std::string path = folder.write("log", bytes);
  uint64_t last = 0;
  pipeline::Pipeline pipeline(nullptr, {}, {});
  const auto stats = scan({path}, {}, pipeline, [&](uint64_t consumed, uint64_t) {
    EXPECT_GE(consumed, last);
    last = consumed;
    return true;
  });
  ASSERT_TRUE(stats);
  EXPECT_EQ(last, bytes.size());
}

}  // namespace
}  // namespace stillwatch::scan
