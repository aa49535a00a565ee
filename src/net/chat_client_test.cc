#include "net/chat_client.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "net/test_server.h"

namespace stillwatch::net {
namespace {

using Json = nlohmann::json;
using Kind = ChatFailure::Kind;
using testing::HasSubstr;
using testing::Not;

const char* const kAnswer = R"({"id":"c1","object":"chat.completion","model":"m-2","choices":[
  {"index":0,"message":{"role":"assistant","content":"288","reasoning_content":"3*96=288"},"finish_reason":"stop",
   "logprobs":{"content":[
     {"token":"28","logprob":-0.25,"bytes":[50,56],"top_logprobs":[{"token":"28","logprob":-0.25,"bytes":[50,56]},
                                                                     {"token":"\u00ff","logprob":-2,"bytes":[255]}]},
     {"token":"8","logprob":0,"bytes":null,"top_logprobs":[]}]}},
  {"index":1,"message":{"role":"assistant","content":[{"type":"text","text":"2"},{"type":"text","text":"87"}],"reasoning":"r"},
   "finish_reason":"length"}],
  "usage":{"prompt_tokens":31,"completion_tokens":12,"completion_tokens_details":{"reasoning_tokens":9}}})";

TEST(ChatBody, HoldsWhatWasAskedForAndNothingElse) {
  const Json plain = Json::parse(to_body({.model = "m", .messages = {{"user", "a \"b\""}}}));
  EXPECT_EQ(plain, Json::parse(R"({"model":"m","messages":[{"role":"user","content":"a \"b\""}]})"));
  const Json full = Json::parse(to_body({.model = "m",
                                         .messages = {{"system", "s"}, {"user", "u"}},
                                         .temperature = 0.5,
                                         .top_p = 0.25,
                                         .max_tokens = 7,
                                         .n = 2,
                                         .seed = 3,
                                         .stop = {"x"},
                                         .top_logprobs = 5}));
  EXPECT_EQ(full,
            Json::parse(R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],
    "temperature":0.5,"top_p":0.25,"max_tokens":7,"n":2,"seed":3,"stop":["x"],"logprobs":true,"top_logprobs":5})"));
  const Json chosen_only = Json::parse(to_body({.top_logprobs = 0}));
  EXPECT_EQ(chosen_only["logprobs"], true);
  EXPECT_FALSE(chosen_only.contains("top_logprobs"));
}

TEST(ChatBody, IsJsonWhateverTheBytes) {
  EXPECT_TRUE(Json::accept(to_body({.model = "m", .messages = {{"user", "\xff\xfe\x01"}}})));
}

TEST(ChatResponse, IsReadWithAllThatItTells) {
  const ChatResult r = parse_chat_response(kAnswer);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->id, "c1");
  EXPECT_EQ(r->model, "m-2");
  ASSERT_EQ(r->choices.size(), 2u);
  const ChatChoice& first = r->choices[0];
  EXPECT_EQ(first.content, "288");
  EXPECT_EQ(first.reasoning, "3*96=288");
  EXPECT_EQ(first.finish_reason, "stop");
  ASSERT_EQ(first.logprobs.size(), 2u);
  EXPECT_EQ(first.logprobs[0].token, "28");
  EXPECT_EQ(first.logprobs[0].logprob, -0.25);
  ASSERT_EQ(first.logprobs[0].top.size(), 2u);
  EXPECT_EQ(first.logprobs[0].top[1].first, "\xff");
  EXPECT_EQ(first.logprobs[1].token, "8");
  EXPECT_EQ(r->choices[1].content, "287");
  EXPECT_EQ(r->choices[1].reasoning, "r");
  ASSERT_TRUE(r->usage);
  EXPECT_EQ(r->usage->prompt_tokens, 31);
  EXPECT_EQ(r->usage->completion_tokens, 12);
  EXPECT_EQ(r->usage->reasoning_tokens, 9);
}

TEST(ChatResponse, MayLackWhatIsOptional) {
  const ChatResult r = parse_chat_response(R"({"choices":[{"message":{"content":null}}]})");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->choices[0].content, "");
  EXPECT_FALSE(r->usage);
}

TEST(ChatResponse, IsAFailureThatKeepsTheBytesWhereItIsNonsense) {
  for (const auto& [body, kind] :
       {std::pair("", Kind::kNotJson), std::pair("<html>busy</html>", Kind::kNotJson),
        std::pair(R"({"choices":[)", Kind::kNotJson), std::pair("[]", Kind::kWrongShape),
        std::pair(R"({"choices":[]})", Kind::kWrongShape), std::pair(R"({"choices":[{}]})", Kind::kWrongShape),
        std::pair(R"({"choices":[7]})", Kind::kWrongShape),
        std::pair(R"({"error":{"message":"secret prompt"}})", Kind::kWrongShape)}) {
    const ChatResult r = parse_chat_response(body);
    ASSERT_FALSE(r) << body;
    EXPECT_EQ(r.error().kind, kind) << body;
    EXPECT_EQ(r.error().body, body);
    EXPECT_THAT(r.error().message, Not(HasSubstr("secret")));
  }
}

TEST(ChatResponse, RefusesLogprobsThatAreNone) {
  const auto with = [](const char* token) {
    return parse_chat_response(
        fmt::format(R"({{"choices":[{{"message":{{"content":"x"}},"logprobs":{{"content":[{}]}}}}]}})", token));
  };
  EXPECT_TRUE(with(R"({"token":"x","logprob":-1})"));
  EXPECT_FALSE(with(R"({"token":"x","logprob":1})"));
  EXPECT_FALSE(with(R"({"token":"x","logprob":"-1"})"));
  EXPECT_FALSE(with(R"({"logprob":-1})"));
  EXPECT_FALSE(with(R"({"token":"x","logprob":-1,"bytes":[256]})"));
  EXPECT_FALSE(with("7"));
}

TEST(ChatResponse, HasLimits) {
  std::string many = R"({"choices":[)";
  for (size_t i = 0; i <= kChoicesMax; ++i) many += (i == 0 ? "" : ",") + std::string(R"({"message":{}})");
  EXPECT_FALSE(parse_chat_response(many + "]}"));
  EXPECT_FALSE(parse_chat_response(std::string(100'000, '[')));
}

class Chat : public testing::Test {
 protected:
  ChatResult ask(TestServer::Reply reply) {
    TestServer server([&, reply = std::move(reply)](const TestServer::Request& r) {
      seen_ = r;
      return reply(r);
    });
    HttpSettings settings;
    settings.now = [this] { return now_; };
    settings.sleep = [this](std::chrono::milliseconds pause) { now_ += pause; };
    const auto http = HttpClient::create(std::move(settings));
    ChatClient chat(**http, {.base_url = server.url("/v1/"), .api_key = "key1"});
    ChatResult got = tl::unexpected(ChatFailure{});
    chat.submit({.model = "m", .messages = {{"user", "hello"}}}, [&](ChatResult r) { got = std::move(r); });
    EXPECT_TRUE((*http)->run());
    return got;
  }
  TestServer::Request seen_;
  std::chrono::milliseconds now_{0};
};

TEST_F(Chat, AsksTheEndpoint) {
  const ChatResult r = ask([](const auto&) { return TestServer::answer(kAnswer); });
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->choices[0].content, "288");
  EXPECT_THAT(seen_.head, HasSubstr("POST /v1/chat/completions HTTP/1.1"));
  EXPECT_THAT(seen_.head, HasSubstr("Authorization: Bearer key1\r\n"));
  EXPECT_THAT(seen_.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_EQ(Json::parse(seen_.body)["messages"][0]["content"], "hello");
}

TEST_F(Chat, CountsItsAttempts) {
  const ChatResult r = ask([](const auto& q) { return TestServer::answer(kAnswer, q.number < 3 ? 500 : 200); });
  ASSERT_TRUE(r);
  EXPECT_EQ(r->attempts, 3);
}

TEST_F(Chat, TellsRefusalFromBusynessFromNonsense) {
  const auto refused = ask([](const auto&) { return TestServer::answer("{}", 401); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kRefused);
  EXPECT_EQ(refused.error().status, 401);
  EXPECT_THAT(refused.error().message, HasSubstr("is the key right?"));
  const auto busy = ask([](const auto&) { return TestServer::answer("{}", 429); });
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().kind, Kind::kBusy);
  EXPECT_EQ(busy.error().attempts, 6);
  const auto page = ask([](const auto&) { return TestServer::answer("<html>"); });
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, Kind::kNotJson);
  EXPECT_EQ(page.error().status, 200);
  EXPECT_EQ(page.error().body, "<html>");
  const auto nobody = ask([](const auto&) { return std::string(); });
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, Kind::kTransport);
}

}  // namespace
}  // namespace stillwatch::net
