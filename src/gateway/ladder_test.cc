// The rungs of the ladder that change what an account is answered, between a client and a model server.
#include <nlohmann/json.hpp>

#include "gateway/test_policies.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Ladder : public Policies {};

constexpr std::string_view kThinking =
    R"({"choices":[{"message":{"reasoning_content":"Rivers of Europe first.","content":"Rhine"},"logprobs":{"content":[]}}],)"
    R"("usage":{"completion_tokens":21,"completion_tokens_details":{"reasoning_tokens":17}}})";

TEST_F(Ladder, WithholdsReasoningAndKeepsUsage) {
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

TEST_F(Ladder, WithholdsReasoningOfStreamsInBothDialects) {
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

TEST_F(Ladder, EncodedAnswersAreNotVouchedFor) {
  reply_ = [](const Message&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc");
  };
  start(policy("{rung: strip, what: [reasoning]}"));
  label_hostile();
  EXPECT_THAT(ask().raw, StartsWith("HTTP/1.1 502 "));
}

}  // namespace
}  // namespace stillwatch::gateway
