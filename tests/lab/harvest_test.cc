// `stillwatch-lab distill harvest` as a program: killed, interrupted, on a full disk, against a teacher that
// misbehaves.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "net/test_server.h"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using stillwatch::net::TestServer;
using testing::HasSubstr;

constexpr int kPrompts = 300;

class Harvest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("stillwatch-harvest-{}", ::getpid());
    fs::create_directories(folder_);
    std::ofstream out(folder_ / "prompts.jsonl");
    for (int i = 0; i < kPrompts; ++i) out << fmt::format("{{\"id\":\"p{}\",\"prompt\":\"question {}\"}}\n", i, i);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A teacher that counts what it was asked.
  TestServer::Reply counting(std::chrono::milliseconds pause = {}, size_t length = 1) {
    return [=, this](const TestServer::Request& r) {
      const std::string question = Json::parse(r.body)["messages"].back()["content"];
      std::this_thread::sleep_for(pause);
      const std::lock_guard lock(mutex_);
      ++asked_[question];
      return TestServer::answer(Json{
          {"choices", {{{"message", {{"content", std::string(length, 'a') + question}}}, {"finish_reason", "stop"}}}},
          {"usage", {{"prompt_tokens", 3}, {"completion_tokens", 4}}}}
                                    .dump());
    };
  }
  int asked() const {
    const std::lock_guard lock(mutex_);
    int sum = 0;
    for (const auto& [question, times] : asked_) sum += times;
    return sum;
  }

  pid_t start(const TestServer& server, std::vector<std::string> more = {}, rlim_t file_bytes_max = RLIM_INFINITY) {
    std::vector<std::string> arguments = {STILLWATCH_LAB, "distill",     "harvest",       "--teacher",
                                          server.url(),   "--prompts",   "prompts.jsonl", "--out",
                                          "d.jsonl",      "--interface", "answers"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const pid_t child = ::fork();
    if (child != 0) return child;
    fs::current_path(folder_);
    const rlimit limit{file_bytes_max, file_bytes_max};
    if (file_bytes_max != RLIM_INFINITY) ::setrlimit(RLIMIT_FSIZE, &limit);
    if (std::freopen("output", "w", stderr) == nullptr) ::_exit(99);
    std::vector<char*> raw;
    for (std::string& a : arguments) raw.push_back(a.data());
    raw.push_back(nullptr);
    ::execv(raw[0], raw.data());
    ::_exit(99);
  }
  static int wait(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string read(const char* name) const {
    std::ifstream file(folder_ / name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // How often each row stands there; every line must be one.
  std::map<std::string, int> rows() const {
    std::map<std::string, int> rows;
    std::istringstream in(read("d.jsonl"));
    for (std::string line; std::getline(in, line);) ++rows[Json::parse(line)["id"]];
    return rows;
  }
  void expect_every_row_once() const {
    const auto all = rows();
    EXPECT_EQ(all.size(), static_cast<size_t>(kPrompts));
    for (const auto& [id, times] : all) EXPECT_EQ(times, 1) << id;
  }

  fs::path folder_;
  mutable std::mutex mutex_;
  std::map<std::string, int> asked_;
};

TEST_F(Harvest, GoesOnAfterKillsAndPaysForLittleTwice) {
  TestServer server(counting(std::chrono::milliseconds(2)));
  int kills = 0;
  for (const int after : {40, 110, 180}) {
    const pid_t child = start(server, {"--concurrency", "4"});
    while (asked() < after) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(child, SIGKILL);
    kills += wait(child) == 128 + SIGKILL;
  }
  EXPECT_EQ(kills, 3);
  EXPECT_EQ(wait(start(server)), 0) << read("output");
  expect_every_row_once();
  EXPECT_LE(asked(), kPrompts + 3 * 4);  // what was under way when it was killed
  // Once all is there, nothing is asked.
  const int before = asked();
  EXPECT_EQ(wait(start(server)), 0);
  EXPECT_EQ(asked(), before);
}

TEST_F(Harvest, MendsATornLastLine) {
  TestServer server(counting());
  EXPECT_EQ(wait(start(server, {"--max-exchanges", "5"})), 3);
  EXPECT_EQ(rows().size(), 5u);
  fs::resize_file(folder_ / "d.jsonl", fs::file_size(folder_ / "d.jsonl") - 10);
  EXPECT_EQ(wait(start(server)), 0);
  EXPECT_THAT(read("output"), HasSubstr("was torn and has been cut off"));
  expect_every_row_once();
  EXPECT_EQ(asked(), kPrompts + 1);
  // A line that lacks nothing but its end is kept.
  fs::resize_file(folder_ / "d.jsonl", fs::file_size(folder_ / "d.jsonl") - 1);
  EXPECT_EQ(wait(start(server)), 0);
  EXPECT_THAT(read("output"), HasSubstr("completed"));
  expect_every_row_once();
  EXPECT_EQ(asked(), kPrompts + 1);
}

TEST_F(Harvest, MeetsAFullDiskBeforePaying) {
  TestServer server(counting({}, 20'000));
  // The room for what is under way is set aside by the megabyte: so the second one is not there.
  EXPECT_EQ(wait(start(server, {}, rlim_t{3} << 19)), 4);
  EXPECT_THAT(read("output"), HasSubstr("d.jsonl cannot be written"));
  const auto kept = static_cast<int>(rows().size());
  EXPECT_GT(kept, 10);
  EXPECT_EQ(asked(), kept);
  EXPECT_EQ(wait(start(server)), 0) << read("output");
  expect_every_row_once();
  EXPECT_EQ(asked(), kPrompts);
}

TEST_F(Harvest, AwaitsWhatIsUnderWayWhenInterrupted) {
  TestServer server(counting(std::chrono::milliseconds(5)));
  const pid_t child = start(server);
  while (asked() < 30) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::kill(child, SIGINT);
  EXPECT_EQ(wait(child), 3);
  EXPECT_THAT(read("output"), HasSubstr("interrupted"));
  EXPECT_EQ(rows().size(), static_cast<size_t>(asked()));
}

TEST_F(Harvest, RefusesToMixTerms) {
  TestServer server(counting());
  EXPECT_EQ(wait(start(server, {"--max-exchanges", "5"})), 3);
  EXPECT_EQ(wait(start(server, {"--temperature", "0.5"})), 2);
  EXPECT_THAT(read("output"), HasSubstr("other terms"));
  EXPECT_EQ(asked(), 5);
}

TEST_F(Harvest, TellsWhatTheTeacherAnsweredInsteadOfAnswers) {
  const TestServer::Reply well = counting();
  bool sane = false;
  TestServer server([&](const TestServer::Request& r) {
    return !sane && r.number % 3 == 0 ? TestServer::answer("<html>secret</html>") : well(r);
  });
  EXPECT_EQ(wait(start(server)), 3);
  EXPECT_THAT(read("output"), HasSubstr("100 answers were no JSON"));
  EXPECT_THAT(read("output"), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(read("d.jsonl.rejected"), HasSubstr("secret"));
  sane = true;
  EXPECT_EQ(wait(start(server)), 0);
  expect_every_row_once();
}

TEST_F(Harvest, LetsOneProcessWriteAtATime) {
  const TestServer::Reply well = counting();
  std::atomic<bool> held = true;  // the teacher answers nobody: so the first cannot come to its end
  TestServer server([&](const TestServer::Request& r) {
    while (held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return well(r);
  });
  const pid_t first = start(server);
  while (server.requests() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(wait(start(server)), 3);
  EXPECT_THAT(read("output"), HasSubstr("another process"));
  held = false;
  EXPECT_EQ(wait(first), 0);
  expect_every_row_once();
}

}  // namespace
