// The strip rung between a client and a model server: what is withheld, and what stands in its place.
#include <nlohmann/json.hpp>

#include "gateway/test_policies.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class StripRung : public Policies {};

constexpr std::string_view kThinking =
    R"({"choices":[{"message":{"reasoning_content":"Rivers of Europe first.","content":"Rhine"},"logprobs":{"content":[]}}],)"
    R"("usage":{"completion_tokens":21,"completion_tokens_details":{"reasoning_tokens":17}}})";

TEST_F(StripRung, WithholdsReasoningAndKeepsUsage) {
  reply_ = [](const Message&) { return answer(kThinking); };
  start(policy("{rung: strip, what: [reasoning]}"));
  EXPECT_EQ(ask().payload, kThinking);
  label_hostile();
  const auto given = nlohmann::json::parse(ask().payload);
  EXPECT_EQ(given["choices"][0]["message"]["reasoning_content"], "");
  EXPECT_EQ(given["choices"][0]["message"]["content"], "Rhine");
  EXPECT_TRUE(given["choices"][0]["logprobs"].is_object());  // nobody said that they are to go
  EXPECT_EQ(given["usage"]["completion_tokens"], 21);
  EXPECT_EQ(given["usage"]["completion_tokens_details"]["reasoning_tokens"], 17);
  EXPECT_THAT(upstream_.received(), HasSubstr("Accept-Encoding: identity\r\n"));
  gateway_->set_policy(policy("{rung: strip, what: [reasoning, logprobs]}"));
  EXPECT_TRUE(nlohmann::json::parse(ask().payload)["choices"][0]["logprobs"].is_null());
}

TEST_F(StripRung, WithholdsReasoningOfStreamsInBothDialects) {
  const std::string chat =
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"secret thought\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"Rhine\"}}]}\n\ndata: [DONE]\n\n";
  const std::string messages =
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
      "\"thinking_delta\",\"thinking\":\"secret thought\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
      "\"text_delta\",\"text\":\"Rhine\"}}\n\n";
  reply_ = [&](const Message& m) {
    return answer(m.raw.find("/v1/messages") != m.raw.npos ? messages : chat, "text/event-stream");
  };
  start(policy("{rung: strip, what: [reasoning]}"));
  EXPECT_EQ(ask().payload, chat);
  label_hostile();
  for (const char* target : {"/v1/chat/completions", "/v1/messages"}) {
    const std::string given = ask(kPrompt, target).payload;
    EXPECT_THAT(given, Not(HasSubstr("secret thought"))) << target;
    EXPECT_THAT(given, HasSubstr("Rhine")) << target;
  }
  EXPECT_THAT(ask().payload, HasSubstr("data: [DONE]\n\n"));
}

TEST_F(StripRung, WithholdsReasoningInTheResultsOfBatches) {
  const std::string openai =
      R"({"custom_id":"1","response":{"status_code":200,"body":{"choices":[{"message":{"reasoning_content":"thought",)"
      R"("content":"Rhine"},"logprobs":{"content":[]}}]}}})";
  const std::string anthropic =
      R"({"custom_id":"1","result":{"type":"succeeded","message":{"type":"message","content":[{"type":"thinking",)"
      R"("thinking":"thought"},{"type":"text","text":"Rhine"}]}}})";
  std::string file;
  reply_ = [&](const Message&) { return answer(file, "application/octet-stream"); };
  start(policy("{rung: strip, what: [reasoning, logprobs]}"));
  label_hostile();
  const auto get = [&](std::string_view target) {
    return Client(gateway_->port())
        .ask(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nRange: bytes=9-\r\n\r\n", target))
        .payload;
  };
  file = openai + "\n" + openai;  // the last line need not be closed
  const std::string given = get("/v1/files/file-1/content?x=1");
  EXPECT_EQ(given.find("thought"), given.npos);
  EXPECT_THAT(given, HasSubstr("\"logprobs\":null"));
  EXPECT_EQ(std::count(given.begin(), given.end(), '\n'), 1);
  EXPECT_LT(given.find("Rhine"), given.rfind("Rhine"));
  EXPECT_THAT(upstream_.received(), Not(HasSubstr("Range:")));  // half a line cannot be read
  file = anthropic + "\n";
  EXPECT_THAT(get("/v1/messages/batches/b/results"), testing::AllOf(Not(HasSubstr("thought")), HasSubstr("Rhine")));
  file = "%PDF thought\n{}";
  EXPECT_EQ(get("/v1/files/file-1/content"), file);
}

// A server whose small model sums up what its large one thought.
std::string thinks_or_sums_up(const Message& m, const std::string& thought, std::string_view type,
                              std::string_view summary) {
  const auto asked = nlohmann::json::parse(m.payload);
  if (asked.value("model", "") != "small") return answer(thought, type);
  if (asked["messages"][0]["content"].get<std::string>().find("first") == std::string::npos)
    return answer(R"({"error":{}})");
  return answer(nlohmann::json{{"choices", {{{"message", {{"content", summary}}}}}}}.dump());
}

TEST_F(StripRung, PutsASummaryInThePlaceOfReasoning) {
  summaries_.model = "small";
  summaries_.credential = "operators-own";
  reply_ = [](const Message& m) {
    return thinks_or_sums_up(m, std::string(kThinking), "application/json", "It lists rivers.");
  };
  start(policy("{rung: strip, what: [reasoning]}"));
  label_hostile();
  const auto given = nlohmann::json::parse(ask().payload);
  EXPECT_EQ(given["choices"][0]["message"]["reasoning_content"], "It lists rivers.");
  EXPECT_EQ(given["choices"][0]["message"]["content"], "Rhine");
  EXPECT_EQ(given["usage"]["completion_tokens"], 21);  // of the answer alone
  const std::string received = upstream_.received();
  const std::string summing = received.substr(received.rfind("POST "));
  EXPECT_THAT(summing, HasSubstr("Authorization: Bearer operators-own\r\n"));
  EXPECT_THAT(summing, Not(HasSubstr("Bearer k\r\n")));
  EXPECT_THAT(admin("GET", "/metrics").payload,
              HasSubstr("stillwatch_reasoning_summaries_total{result=\"given\"} 1\n"));
  const auto observed = [&] { return gateway_->observer().counts().observed; };
  for (int i = 0; i < 2000 && observed() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  gateway_->stop();           // all is read
  EXPECT_EQ(observed(), 2u);  // a summary is no exchange
}

TEST_F(StripRung, PutsASummaryBeforeTheTextOfAStream) {
  summaries_.model = "small";
  const std::string chat =
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"first this\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\" then that\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"Rhine\"}}]}\n\ndata: [DONE]\n\n";
  reply_ = [&](const Message& m) { return thinks_or_sums_up(m, chat, "text/event-stream", "It lists rivers."); };
  start(policy("{rung: strip, what: [reasoning]}"));
  label_hostile();
  const std::string given = ask().payload;
  EXPECT_THAT(given, Not(HasSubstr("that")));
  EXPECT_LT(given.find("\"reasoning_content\":\"It lists rivers.\""), given.find("Rhine"));
  EXPECT_THAT(given, testing::EndsWith("data: [DONE]\n\n"));
}

TEST_F(StripRung, WithholdsReasoningWhereNoSummaryComes) {
  summaries_.model = "small";
  summaries_.timeout = std::chrono::milliseconds(30);
  for (const bool slow : {false, true}) {
    reply_ = [slow](const Message& m) {
      if (m.payload.find("small") == std::string::npos) return answer(kThinking);
      if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(200));
      return std::string("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
    };
    start(policy("{rung: strip, what: [reasoning]}"));
    if (!slow) label_hostile();
    const auto given = nlohmann::json::parse(ask().payload);
    EXPECT_EQ(given["choices"][0]["message"]["reasoning_content"], "");
    EXPECT_EQ(given["choices"][0]["message"]["content"], "Rhine");
    EXPECT_THAT(admin("GET", "/metrics").payload,
                HasSubstr("stillwatch_reasoning_summaries_total{result=\"failed\"} 1\n"));
    gateway_.reset();
  }
}

TEST_F(StripRung, EncodedAnswersAreNotVouchedFor) {
  reply_ = [](const Message&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc");
  };
  start(policy("{rung: strip, what: [reasoning]}"));
  label_hostile();
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 502 "));
}

}  // namespace
}  // namespace stillwatch::gateway
