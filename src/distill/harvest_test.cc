#include "distill/harvest.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "net/test_server.h"

namespace stillwatch::distill {
namespace {

using Json = nlohmann::json;
using net::TestServer;
using testing::HasSubstr;
using testing::Not;

// Lines in memory, on a disk that may be full.
class Memory : public Sink {
 public:
  base::Result<void> make_room(size_t bytes) override {
    ++rooms;
    return used() + bytes > disk ? base::Result<void>(full()) : base::Result<void>();
  }
  base::Result<void> append(std::string_view line) override {
    if (used() + line.size() > disk) return full();
    lines.emplace_back(line);
    return {};
  }
  base::Result<void> sync() override {
    synced = lines.size();
    return {};
  }
  size_t used() const {
    size_t sum = 0;
    for (const std::string& line : lines) sum += line.size();
    return sum;
  }
  static tl::unexpected<base::Error> full() { return base::fail(base::ErrorCode::kInternal, "the disk is full"); }

  std::vector<std::string> lines;
  size_t synced = 0;
  size_t disk = size_t{1} << 30;
  int rooms = 0;
};

std::vector<Prompt> prompts(int n) {
  std::vector<Prompt> out;
  for (int i = 0; i < n; ++i) out.push_back({"p" + std::to_string(i), {{"user", "question " + std::to_string(i)}}});
  return out;
}

std::string question_of(const TestServer::Request& r) {
  return Json::parse(r.body)["messages"].back()["content"];
}

std::string completion(const std::string& content, const std::string& reasoning = "because", int in = 10, int out = 5) {
  return TestServer::answer(
      Json{{"id", "r1"},
           {"model", "m-2"},
           {"choices",
            {{{"message", {{"role", "assistant"}, {"content", content}, {"reasoning_content", reasoning}}},
              {"finish_reason", "stop"},
              {"logprobs", {{"content", {{{"token", "x"}, {"logprob", -0.5}, {"bytes", {255}}}}}}}}}},
           {"usage", {{"prompt_tokens", in}, {"completion_tokens", out}}}}
          .dump());
}

class HarvestTest : public testing::Test {
 protected:
  HarvestReport run(std::vector<Prompt> asked, TestServer::Reply reply, std::unordered_set<std::string> had = {}) {
    TestServer server([&, reply = std::move(reply)](const TestServer::Request& r) {
      {
        const std::lock_guard lock(mutex_);
        ++asked_[question_of(r)];
        bodies_.push_back(r.body);
      }
      return reply(r);
    });
    net::HttpSettings settings;
    settings.now = [this] { return now_; };
    settings.sleep = [this](std::chrono::milliseconds pause) { now_ += pause; };
    settings.concurrency = options_.window;
    const auto http = net::HttpClient::create(std::move(settings));
    Harvest harvest(std::move(asked), std::move(had), options_);
    std::string url = server.url();
    url.insert(7, "user:secret@");
    harvest_ = &harvest;
    return harvest.run(
        **http, {.base_url = url}, dataset_, rejects_, [] { return base::from_ms(1'700'000'000'000); },
        [&](const HarvestCounts& c) {
          EXPECT_LE(c.kept, dataset_.synced);
          if (on_progress_) on_progress_(c);
        });
  }
  std::set<std::string> ids() const {
    std::set<std::string> out;
    for (const std::string& line : dataset_.lines) out.insert(Json::parse(line)["id"]);
    return out;
  }

  HarvestOptions options_{.terms = {.model = "m"}};
  Memory dataset_, rejects_;
  std::chrono::milliseconds now_{0};
  std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::vector<std::string> bodies_;
  std::function<void(const HarvestCounts&)> on_progress_;
  Harvest* harvest_ = nullptr;
};

TEST_F(HarvestTest, AsksEverythingOnceAndKeepsWhereItCameFrom) {
  options_.terms.interface.reasoning = true;
  options_.terms.temperature = 0.5;
  options_.price_in = 1;
  options_.price_out = 10;
  const auto report = run(prompts(40), [](const auto& r) { return completion("re: " + question_of(r)); });
  EXPECT_EQ(report.ended_by, "");
  EXPECT_EQ(report.counts.kept, 40u);
  EXPECT_EQ(report.counts.exchanges, 40u);
  EXPECT_EQ(report.counts.prompt_tokens, 400);
  EXPECT_EQ(report.counts.completion_tokens, 200);
  EXPECT_NEAR(report.counts.cost, (400 + 2000) / 1e6, 1e-12);
  EXPECT_EQ(ids().size(), 40u);
  for (const auto& [question, times] : asked_) EXPECT_EQ(times, 1) << question;
  const Json row = Json::parse(dataset_.lines[0]);
  const std::string question = row["messages"][0]["content"];
  EXPECT_EQ(row["messages"][1],
            (Json{{"role", "assistant"}, {"reasoning_content", "because"}, {"content", "re: " + question}}));
  const Json& teacher = row["teacher"];
  EXPECT_EQ(teacher["model"], "m");
  EXPECT_EQ(teacher["answered_by"], "m-2");
  EXPECT_EQ(teacher["interface"], "reasoning");
  EXPECT_EQ(teacher["parameters"], (Json{{"temperature", 0.5}}));
  EXPECT_EQ(teacher["time"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(teacher["usage"]["completion_tokens"], 5);
  EXPECT_THAT(dataset_.lines[0], Not(HasSubstr("secret")));
}

TEST_F(HarvestTest, KeepsOnlyWhatTheInterfaceShows) {
  run(prompts(1), [](const auto&) { return completion("a"); });
  options_.terms.interface = {.reasoning = false, .logprobs = true};
  run(prompts(1), [](const auto&) { return completion("a"); });
  const Json answers = Json::parse(dataset_.lines[0]), logprobs = Json::parse(dataset_.lines[1]);
  EXPECT_FALSE(answers["messages"][1].contains("reasoning_content"));
  EXPECT_FALSE(answers.contains("logprobs"));
  EXPECT_FALSE(logprobs["messages"][1].contains("reasoning_content"));
  EXPECT_EQ(logprobs["logprobs"], Json::parse(R"([[{"hex":"ff"},-0.5,[]]])"));
  EXPECT_FALSE(Json::parse(bodies_[0]).contains("logprobs"));
  EXPECT_EQ(Json::parse(bodies_[1])["top_logprobs"], 20);
}

TEST_F(HarvestTest, DoesNotAskForWhatIsThere) {
  const auto report = run(prompts(10), [](const auto&) { return completion("a"); }, {"p0", "p3", "p9"});
  EXPECT_EQ(report.counts.had, 3u);
  EXPECT_EQ(report.counts.kept, 7u);
  EXPECT_FALSE(asked_.contains("question 3"));
  EXPECT_EQ(asked_.size(), 7u);
}

TEST_F(HarvestTest, TakesSeveralSamplesOfAPrompt) {
  options_.samples = 3;
  run(prompts(2), [](const auto&) { return completion("a"); }, {"p1-2"});
  EXPECT_EQ(ids(), (std::set<std::string>{"p0", "p0-1", "p0-2", "p1", "p1-1"}));
}

TEST_F(HarvestTest, KeepsToItsBudgets) {
  options_.exchanges_max = 11;
  auto report = run(prompts(40), [](const auto&) { return completion("a"); });
  EXPECT_EQ(report.counts.exchanges, 11u);
  EXPECT_THAT(report.ended_by, HasSubstr("11 exchanges"));
  options_.exchanges_max = 0;
  options_.tokens_max = 100;  // 15 an exchange
  report = run(prompts(40), [](const auto&) { return completion("a"); });
  EXPECT_EQ(report.counts.exchanges, 6u);
  EXPECT_THAT(report.ended_by, HasSubstr("100 tokens"));
}

TEST_F(HarvestTest, CountsNonsenseAndKeepsItApart) {
  const auto report = run(prompts(8), [](const auto& r) {
    const std::string q = question_of(r);
    if (q == "question 1") return TestServer::answer("<html>");
    if (q == "question 2") return TestServer::answer("{}");
    if (q == "question 3") return completion("", "");
    return completion("a");
  });
  EXPECT_EQ(report.ended_by, "");
  EXPECT_EQ(report.counts.kept, 5u);
  EXPECT_EQ(report.counts.no_json, 1u);
  EXPECT_EQ(report.counts.no_completion, 1u);
  EXPECT_EQ(report.counts.empty, 1u);
  EXPECT_EQ(report.counts.exchanges, 8u);
  EXPECT_EQ(report.counts.prompt_tokens, 60);  // the empty one was paid for
  EXPECT_EQ(dataset_.lines.size(), 5u);
  ASSERT_EQ(rejects_.lines.size(), 3u);
  std::map<std::string, Json> by_id;
  for (const std::string& line : rejects_.lines) by_id[Json::parse(line)["id"]] = Json::parse(line);
  EXPECT_EQ(by_id["p1"]["body"], "<html>");
  EXPECT_EQ(by_id["p1"]["why"], "no JSON");
}

TEST_F(HarvestTest, TellsWhatAnswersLack) {
  options_.terms.interface = {.reasoning = true, .logprobs = true};
  const auto report = run(prompts(1), [](const auto&) {
    return TestServer::answer(R"({"choices":[{"message":{"content":"abcdefgh"},"finish_reason":"length"}]})");
  });
  EXPECT_EQ(report.counts.kept, 1u);
  EXPECT_EQ(report.counts.cut_short, 1u);
  EXPECT_EQ(report.counts.without_usage, 1u);
  EXPECT_EQ(report.counts.without_reasoning, 1u);
  EXPECT_EQ(report.counts.without_logprobs, 1u);
  EXPECT_EQ(report.counts.completion_tokens, 4);  // eight bytes and no reasoning: 3 and 1
}

TEST_F(HarvestTest, EndsWhereTheTeacherRefuses) {
  const auto report = run(prompts(100), [](const auto&) { return TestServer::answer("{}", 401); });
  EXPECT_THAT(report.ended_by, HasSubstr("refuses"));
  EXPECT_THAT(report.ended_by, HasSubstr("401"));
  EXPECT_LE(report.counts.refused, options_.window);
}

TEST_F(HarvestTest, EndsAfterManyFailuresInARow) {
  const auto report = run(prompts(100), [](const auto&) { return TestServer::answer("busy page"); });
  EXPECT_THAT(report.ended_by, HasSubstr("20 failures in a row"));
  EXPECT_LT(report.counts.no_json, 20 + options_.window);
}

TEST_F(HarvestTest, DoesNotPayForWhatItCannotKeep) {
  dataset_.disk = 0;
  const auto report = run(prompts(10), [](const auto&) { return completion("a"); });
  EXPECT_EQ(report.ended_by, "the disk is full");
  EXPECT_EQ(report.code, base::ErrorCode::kInternal);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(HarvestTest, LosesNothingOnADiskThatFillsUp) {
  // What is under way has its room; more is not asked.
  dataset_.disk = 10 * kRoomBytes;
  const auto report =
      run(prompts(500), [](const auto& r) { return completion(std::string(20'000, 'x') + question_of(r)); });
  EXPECT_THAT(report.ended_by, HasSubstr("the disk is full"));
  EXPECT_EQ(report.counts.exchanges, dataset_.lines.size());
  EXPECT_EQ(report.counts.kept, dataset_.lines.size());
  EXPECT_GT(report.counts.kept, 3u);
}

TEST_F(HarvestTest, SaysWhatItLostIfTheSinkBreaksItsWord) {
  on_progress_ = [&](const HarvestCounts& c) {
    if (c.exchanges > 0) dataset_.disk = 0;
  };
  options_.window = 1;
  const auto report = run(prompts(10), [](const auto&) { return completion(std::string(70'000, 'x')); });
  EXPECT_THAT(report.ended_by, HasSubstr("the disk is full"));
  EXPECT_EQ(report.counts.kept, 1u);
}

TEST_F(HarvestTest, AwaitsWhatIsUnderWayWhenStopped) {
  on_progress_ = [&](const HarvestCounts& c) {
    if (c.exchanges >= 5) harvest_->stop();
  };
  const auto report = run(prompts(100), [](const auto&) { return completion("a"); });
  EXPECT_THAT(report.ended_by, HasSubstr("interrupted"));
  EXPECT_EQ(report.counts.kept, report.counts.exchanges);
  EXPECT_LT(report.counts.kept, 40u);
  EXPECT_EQ(bodies_.size(), report.counts.kept);
}

TEST_F(HarvestTest, GivesUpWhatIsUnderWayWhenToldTwice) {
  on_progress_ = [&](const HarvestCounts&) { harvest_->give_up(); };
  const auto report =
      run(prompts(100), [](const auto& r) { return r.number == 1 ? completion("a") : TestServer::answer("", 503); });
  EXPECT_THAT(report.ended_by, HasSubstr("under way were given up"));
}

TEST(HarvestRow, IsRecognisedAgain) {
  const Prompt prompt{"p", {{"user", "q"}}};
  net::ChatResponse response;
  response.choices.push_back({"a", "r", "stop", {}, {}});
  response.usage = net::ChatUsage{3, 4, 0};
  const Terms terms{.model = "m", .interface = {true, true}, .temperature = 1, .max_tokens = 9};
  const std::string row = to_row(prompt, "p-1", response, terms, {"e", base::from_ms(0)});
  const auto facts = read_row_facts(row);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->id, "p-1");
  EXPECT_EQ(facts->terms, terms.to_json());
  EXPECT_EQ(facts->prompt_tokens, 3);
  EXPECT_EQ(facts->completion_tokens, 4);
  EXPECT_FALSE(read_row_facts(row.substr(0, row.size() / 2)));
  EXPECT_FALSE(read_row_facts("{}"));
  Terms other = terms;
  other.temperature = 0.5;
  EXPECT_NE(other.to_json(), terms.to_json());
}

TEST(Interface, HasNames) {
  for (const char* name : {"answers", "reasoning", "logprobs", "reasoning+logprobs"})
    EXPECT_EQ(name_of(interface_of(name).value()), name);
  EXPECT_FALSE(interface_of("everything"));
}

}  // namespace
}  // namespace stillwatch::distill
