// The installed program as people run it: exit statuses, files, messages.
#include <csignal>
#include <nlohmann/json.hpp>

#include "program.h"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

using Result = ProgramResult;

class Cli : public ProgramTest {
 protected:
  void simulate() const {
    write("p.yaml",
          "duration_days: 8\nseed: 2\ngroups:\n  - {class: people, accounts: 380, exchanges_median: 45, "
          "exchanges_sigma: 0.4}\n"
          "  - {class: pipeline, accounts: 10, exchanges_median: 60}\n  - {class: harvest, name: heavy, accounts: 1, "
          "exchanges_median: 900}\n");
    const Result r = run("population --config p.yaml --prompts " STILLWATCH_SOURCE_DIR
                         "/data/prompts --out log.jsonl.gz --truth truth.jsonl");
    ASSERT_EQ(r.status, 0) << r.output;
    std::istringstream truths(read("truth.jsonl"));
    for (std::string line; std::getline(truths, line);) {
      const Json t = Json::parse(line);
      if (t["label"] == "hostile") const_cast<Cli*>(this)->harvester_ = t["account"];
    }
  }

  std::string harvester_;
};

TEST_F(Cli, HelpsWithEverySubcommand) {
  EXPECT_EQ(run("--version").output.substr(0, 11), "stillwatch ");
  EXPECT_EQ(run("--help").status, 0);
  for (const char* command : {"scan", "serve", "calibrate", "label", "population"}) {
    const Result r = run(std::string(command) + " --help");
    EXPECT_EQ(r.status, 0) << command;
    EXPECT_NE(r.output.find("Exit status"), std::string::npos) << command;
    EXPECT_NE(r.output.find("xample"), std::string::npos) << command;
  }
}

TEST_F(Cli, TellsUsageFromInputFromInternalErrors) {
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run("dance").status, 2);
  EXPECT_EQ(run("scan").status, 2);
  EXPECT_EQ(run("scan --no-such-flag x").status, 2);
  EXPECT_EQ(run("scan --false-alarms -3 x").status, 2);
  write("log", "{\"time\":1772445600,\"account\":\"a\",\"request\":{\"prompt\":\"x\"},\"response\":null}\n");
  EXPECT_EQ(run("scan --format klingon log").status, 2);
  EXPECT_EQ(run("scan missing.jsonl").status, 3);
  EXPECT_EQ(run("scan --baseline missing log").status, 3);
  EXPECT_EQ(run("calibrate log --out b").status, 3);
  EXPECT_EQ(run("calibrate log").status, 2);
  const Result ok = run("scan log");
  EXPECT_EQ(ok.status, 0) << ok.output;
  const Result full = run("scan log --quiet --json /dev/full --html r.html");
  EXPECT_EQ(full.status, 4) << full.output;
  EXPECT_NE(full.output.find("stillwatch: /dev/full cannot be written"), std::string::npos);
  EXPECT_GT(read("r.html").size(), 1000u) << "the other output is written";
  EXPECT_EQ(run("scan log --quiet --json /nonexistent/x").status, 4);
  write("broken", "not a log\n");
  EXPECT_EQ(run("scan broken").status, 3);
  write("mixed", read("log") + "{oops\n");
  EXPECT_EQ(run("scan mixed").status, 0);
  EXPECT_EQ(run("scan --strict mixed").status, 3);
}

TEST_F(Cli, SaysWhatIsWrongInOneSentenceOfItsOwn) {
  for (const char* arguments :
       {"", "dance", "scan", "scan --top x log", "scan --threads 9999 log", "label a benign", "scan missing",
        "scan --json - --html - log", "calibrate log", "label a odd --until x", "serve", "serve --upstream https://h",
        "serve --upstream http://h:1 --admin 0.0.0.0:1", "serve --upstream http://nobody.invalid:1"}) {
    const Result r = run(arguments);
    EXPECT_TRUE(r.status == 2 || r.status == 3) << arguments << ": " << r.status;
    EXPECT_EQ(r.output.rfind("stillwatch: ", 0), 0u) << arguments << ": " << r.output;
  }
}

TEST_F(Cli, TellsOfWhatItCouldNotReadWhateverElseItFound) {
  const std::string good =
      "{\"time\":1772445600,\"account\":\"a\",\"request\":{\"prompt\":\"secret words\"},\"response\":null}\n";
  write("good", good);
  write("broken", good + "{\"time\":1772445600,\"account\":\"a\",\"request\":{\"prompt\":\"secret words\n" + good);
  const Result broken = run("scan --quiet broken");
  EXPECT_EQ(broken.status, 0);
  EXPECT_NE(broken.output.find("1 of 3 lines could not be read"), std::string::npos) << broken.output;
  EXPECT_NE(broken.output.find("broken:2: "), std::string::npos);
  EXPECT_EQ(broken.output.find("secret"), std::string::npos);
  const Result missing = run("scan --quiet good missing");
  EXPECT_EQ(missing.status, 3);
  EXPECT_NE(missing.output.find("stillwatch: missing cannot be opened"), std::string::npos) << missing.output;
  EXPECT_EQ(run("label a hostile --until 2027-01-01 --why x").status, 0);
  const Result both = run("scan --quiet --fail-on flagged good missing");
  EXPECT_EQ(both.status, 1);
  EXPECT_NE(both.output.find("stillwatch: missing cannot be opened"), std::string::npos) << both.output;
}

TEST_F(Cli, JudgesWhatItReadWhenInterrupted) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const std::string out = (folder_ / "f.json").string();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[1]);
    ::execl(STILLWATCH_PROGRAM, "stillwatch", "scan", "--quiet", "--json", out.c_str(), "-", nullptr);
    ::_exit(127);
  }
  ::close(ends[0]);
  const std::string line = "{\"time\":1772445600,\"account\":\"a\",\"request\":{\"prompt\":\"x\"},\"response\":null}\n";
  std::string log;
  while (log.size() < (3 << 20)) log += line;
  // More than a pipe holds: once it is written, the program is reading.
  for (size_t at = 0; at < log.size();) at += static_cast<size_t>(::write(ends[1], log.data() + at, log.size() - at));
  ::kill(child, SIGINT);
  ::close(ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const Json f = Json::parse(read("f.json"));
  EXPECT_GT(f["summary"]["read"]["exchanges"], 0);
  EXPECT_LE(f["summary"]["read"]["exchanges"], log.size() / line.size());
}

TEST_F(Cli, ServesUntilItIsToldToEnd) {
  const std::string data = (folder_ / "data").string();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::execl(STILLWATCH_PROGRAM, "stillwatch", "serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0",
            "--admin", "127.0.0.1:0", "--data-dir", data.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string said;
  char c = 0;
  while (::read(ends[0], &c, 1) == 1 && c != '\n') said += c;
  EXPECT_EQ(said.rfind("relaying 127.0.0.1:0 (port ", 0), 0u) << said;
  ::kill(child, SIGTERM);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(fs::file_size(data + "/secret"), 32u);
  EXPECT_EQ(fs::status(data + "/secret").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Cli, FindsTheHarvesterEndToEnd) {
  simulate();
  const Result r = run("scan log.jsonl.gz --json f.json --html r.html --fail-on flagged");
  EXPECT_EQ(r.status, 1) << r.output;
  EXPECT_NE(r.output.find("uncalibrated"), std::string::npos);
  const Json f = Json::parse(read("f.json"));
  EXPECT_EQ(f["accounts"][0]["account"], harvester_);
  EXPECT_TRUE(f["accounts"][0]["flagged"]);
  EXPECT_EQ(f["accounts"][0]["verdict"], "harvest");
  EXPECT_GT(read("r.html").size(), 10'000u);
  EXPECT_FALSE(fs::exists(folder_ / "r.html.partial"));
  // From standard input, the same.
  const Result piped = run("scan --quiet --json g.json - < log.jsonl.gz");
  EXPECT_EQ(piped.status, 0) << piped.output;
  EXPECT_EQ(Json::parse(read("g.json"))["accounts"], f["accounts"]);
}

TEST_F(Cli, CalibratesChecksAndJudgesByABaseline) {
  simulate();
  const Result labelled = run(fmt::format("label {} hostile --until 2027-01-01 --why 'found by hand'", harvester_));
  ASSERT_EQ(labelled.status, 0) << labelled.output;
  const Result made = run("calibrate log.jsonl.gz --out b.json");
  ASSERT_EQ(made.status, 0) << made.output;
  const Result check = run("calibrate --check --baseline b.json log.jsonl.gz");
  EXPECT_EQ(check.status, 0) << check.output;
  EXPECT_NE(check.output.find("promised   achieved"), std::string::npos);
  EXPECT_NE(check.output.find("promised at most 5.0"), std::string::npos);
  fs::remove(folder_ / "stillwatch-labels.jsonl");
  const Result r = run("scan log.jsonl.gz --baseline b.json --json f.json --quiet");
  EXPECT_EQ(r.status, 0) << r.output;
  const Json f = Json::parse(read("f.json"));
  EXPECT_TRUE(f["summary"]["baseline"]["calibrated"]);
  EXPECT_EQ(f["accounts"][0]["account"], harvester_);
}

TEST_F(Cli, RespectsLabels) {
  simulate();
  ASSERT_EQ(run(fmt::format("label {} benign --until 2027-01-01 --why ours", harvester_)).status, 0);
  EXPECT_EQ(run("label x perhaps --until 2027-01-01 --why y").status, 2);
  EXPECT_EQ(run("label x benign --until soon --why y").status, 2);
  const Result r = run("scan log.jsonl.gz --json f.json --quiet --fail-on flagged");
  EXPECT_EQ(r.status, 0) << r.output;
  const Json accounts = Json::parse(read("f.json"))["accounts"];
  for (const Json& a : accounts) {
    if (a["account"] != harvester_) continue;
    EXPECT_EQ(a["verdict"], "labelled-benign");
    EXPECT_FALSE(a["flagged"]);
    EXPECT_EQ(a["label"]["why"], "ours");
  }
  // A file whose last newline an editor took away.
  write("mine", read("stillwatch-labels.jsonl").substr(0, read("stillwatch-labels.jsonl").size() - 1));
  ASSERT_EQ(run("label other hostile --until 2027-01-01 --why y --labels mine").status, 0);
  EXPECT_EQ(run("scan --labels mine --quiet log.jsonl.gz").status, 0);
  EXPECT_EQ(run("label other hostile --until 2027-01-01 --why y --labels /dev/full").status, 4);
  write("bad-labels", "{\"account\":\"a\"}\n");
  const Result bad = run("scan --labels bad-labels log.jsonl.gz");
  EXPECT_EQ(bad.status, 3);
  EXPECT_NE(bad.output.find("bad-labels:1:"), std::string::npos);
}

}  // namespace
