#include "serving/service.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "model/bpe_trainer.h"
#include "model/test_reference.h"
#include "serving/text_gate.h"

namespace stillwatch::serving {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// A small model of random weights with a vocabulary and marks of its own.
model::Model small_model() {
  model::BpeTrainer trainer;
  trainer.add("how many apples are there, there are two apples");
  model::Tokenizer tokenizer = trainer.train(280, model::ChatTemplate::own_marks());
  model::Config c = model::tiny_config(true, false);
  c.vocab_size = static_cast<int64_t>(tokenizer.size());
  c.context = 256;
  c.eos = {tokenizer.find_special("<|end|>")};
  auto weights = model::random_weights(c, 9);
  return {c, std::move(weights), std::move(tokenizer), model::ChatTemplate::own()};
}

EngineSettings settings() {
  EngineSettings s;
  s.threads = 2;
  s.model_name = "tiny";
  s.now_seconds = [] { return int64_t{1'772'409'600}; };
  s.random_seed = [] { return uint64_t{42}; };
  return s;
}

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override { start(settings()); }
  void start(EngineSettings s) {
    service_.reset();
    auto started = Service::start(small_model(), std::move(s), {});
    ASSERT_TRUE(started) << started.error().message;
    service_ = std::move(*started);
  }

  using Tcp = boost::asio::ip::tcp;
  Tcp::socket connect() {
    Tcp::socket socket(io_);
    socket.connect({boost::asio::ip::address_v4::loopback(), service_->port()});
    return socket;
  }
  static std::string request(std::string_view target, std::string_view body, std::string_view method = "POST") {
    return fmt::format("{} {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", method, target,
                       body.size(), body);
  }
  // Status line, fields and body as they came; chunks are put together.
  struct Answer {
    int status = 0;
    std::string head, body;
  };
  Answer ask(std::string_view target, std::string_view body, std::string_view method = "POST") {
    Tcp::socket socket = connect();
    boost::asio::write(socket, boost::asio::buffer(request(target, body, method)));
    std::string all;
    boost::system::error_code error;
    std::array<char, 4096> room{};
    for (size_t n = 0; !error; all.append(room.data(), n)) n = socket.read_some(boost::asio::buffer(room), error);
    Answer a;
    const size_t end = all.find("\r\n\r\n");
    a.head = all.substr(0, end);
    a.status = a.head.size() > 12 ? (a.head[9] - '0') * 100 + (a.head[10] - '0') * 10 + (a.head[11] - '0') : 0;
    a.body = end == std::string::npos ? "" : all.substr(end + 4);
    if (a.head.find("chunked") == std::string::npos) return a;
    std::string whole;
    for (std::string_view rest = a.body; !rest.empty();) {
      size_t size = 0;
      size_t i = 0;
      for (; i < rest.size() && rest[i] != '\r'; ++i)
        size = size * 16 + static_cast<size_t>(rest[i] <= '9' ? rest[i] - '0' : rest[i] - 'a' + 10);
      whole += rest.substr(i + 2, size);
      rest.remove_prefix(std::min(rest.size(), i + 4 + size));
    }
    a.body = whole;
    return a;
  }
  static std::vector<Json> events(const std::string& body) {
    std::vector<Json> out;
    for (size_t at = 0; (at = body.find("data: ", at)) != std::string::npos;) {
      const size_t end = body.find("\n\n", at);
      const std::string data = body.substr(at + 6, end - at - 6);
      if (data != "[DONE]") out.push_back(Json::parse(data));
      at = end;
    }
    return out;
  }

  boost::asio::io_context io_;
  std::unique_ptr<Service> service_;
};

constexpr const char* kQuestion = R"("messages":[{"role":"user","content":"how many apples?"}])";

TEST_F(ServiceTest, AnswersAConversation) {
  const Answer a = ask("/v1/chat/completions", fmt::format(R"({{{},"max_tokens":12,"seed":1,"n":2}})", kQuestion));
  ASSERT_EQ(a.status, 200) << a.body;
  const Json j = Json::parse(a.body);
  EXPECT_EQ(j["object"], "chat.completion");
  EXPECT_EQ(j["model"], "tiny");
  EXPECT_EQ(j["created"], 1'772'409'600);
  ASSERT_EQ(j["choices"].size(), 2U);
  EXPECT_EQ(j["choices"][1]["index"], 1);
  EXPECT_EQ(j["choices"][0]["message"]["role"], "assistant");
  EXPECT_GT(j["usage"]["prompt_tokens"], 0);
  EXPECT_LE(j["usage"]["completion_tokens"], 24);
  EXPECT_EQ(j["usage"]["total_tokens"],
            j["usage"]["prompt_tokens"].get<int>() + j["usage"]["completion_tokens"].get<int>());
  // The same seed gives the same answers.
  EXPECT_EQ(Json::parse(ask("/v1/chat/completions", fmt::format(R"({{{},"max_tokens":12,"seed":1,"n":2}})", kQuestion))
                            .body)["choices"],
            j["choices"]);
}

TEST_F(ServiceTest, AStreamSaysTheSameAsTheWhole) {
  for (const int seed : {1, 2, 3, 4, 5, 6}) {
    const std::string fields =
        fmt::format(R"({},"max_tokens":40,"seed":{},"logprobs":true,"top_logprobs":2)", kQuestion, seed);
    const Json whole = Json::parse(ask("/v1/chat/completions", "{" + fields + "}").body);
    const Answer streamed =
        ask("/v1/chat/completions", "{" + fields + R"(,"stream":true,"stream_options":{"include_usage":true}})");
    EXPECT_THAT(streamed.head, HasSubstr("text/event-stream"));
    EXPECT_TRUE(streamed.body.ends_with("data: [DONE]\n\n"));
    std::string content, reasoning, finish;
    Json logprobs = Json::array();
    for (const Json& e : events(streamed.body)) {
      if (e["choices"].empty()) {
        EXPECT_EQ(e["usage"], whole["usage"]);
        continue;
      }
      const Json& c = e["choices"][0];
      content += c["delta"].value("content", "");
      reasoning += c["delta"].value("reasoning_content", "");
      if (!c["logprobs"].is_null()) {
        for (const Json& l : c["logprobs"]["content"]) logprobs.push_back(l);
      }
      if (!c["finish_reason"].is_null()) finish = c["finish_reason"];
    }
    const Json& c = whole["choices"][0];
    EXPECT_EQ(content, c["message"]["content"]);
    EXPECT_EQ(reasoning, c["message"].value("reasoning_content", ""));
    EXPECT_EQ(finish, c["finish_reason"]);
    EXPECT_EQ(logprobs, c["logprobs"]["content"]);
  }
}

TEST_F(ServiceTest, TellsLogprobsThatAddUpToOne) {
  const Answer a =
      ask("/v1/chat/completions",
          fmt::format(R"({{{},"max_tokens":3,"temperature":0,"logprobs":true,"top_logprobs":20}})", kQuestion));
  const Json j = Json::parse(a.body);
  const Json& tokens = j["choices"][0]["logprobs"]["content"];
  ASSERT_FALSE(tokens.empty()) << a.body;
  EXPECT_EQ(tokens[0]["top_logprobs"].size(), 20U);
  EXPECT_EQ(tokens[0]["top_logprobs"][0]["bytes"], tokens[0]["bytes"]);  // greedy: the first is the one taken
  EXPECT_NEAR(tokens[0]["top_logprobs"][0]["logprob"].get<double>(), tokens[0]["logprob"].get<double>(), 1e-6);
  double sum = 0;
  for (const Json& t : tokens[0]["top_logprobs"]) sum += std::exp(t["logprob"].get<double>());
  EXPECT_LE(sum, 1.0001);
}

// What a prompt holds is what the same model says of the same tokens when it draws them.
TEST_F(ServiceTest, EchoesAPromptWithItsLogprobs) {
  const auto completed = [&](const std::string& fields) {
    const Answer a = ask("/v1/completions", "{" + fields + "}");
    EXPECT_EQ(a.status, 200) << a.body;
    return Json::parse(a.body);
  };
  const std::string prompt = "how many apples are there, " + std::string(120, 'x');  // more than is read at once
  const Json drawn = completed(fmt::format(R"("prompt":"{}","max_tokens":6,"temperature":0,"logprobs":3)", prompt));
  const Json echoed =
      completed(fmt::format(R"("prompt":"{}","max_tokens":6,"temperature":0,"logprobs":3,"echo":true)", prompt));
  const Json& text = echoed["choices"][0]["text"];
  EXPECT_EQ(text, prompt + drawn["choices"][0]["text"].get<std::string>());
  const Json &told = echoed["choices"][0]["logprobs"], &own = drawn["choices"][0]["logprobs"];
  const size_t read = told["tokens"].size() - own["tokens"].size();
  EXPECT_EQ(read, echoed["usage"]["prompt_tokens"].get<size_t>());
  EXPECT_EQ(echoed["usage"], drawn["usage"]);
  EXPECT_TRUE(told["top_logprobs"][0].is_null());
  EXPECT_TRUE(told["token_logprobs"][0].is_null());
  std::string together;
  for (size_t i = 0; i < told["tokens"].size(); ++i) {
    EXPECT_EQ(told["text_offset"][i], together.size());
    together += told["tokens"][i];
    if (i > 0)
      EXPECT_THAT(told["top_logprobs"][i].size(),
                  testing::AllOf(testing::Ge(1U), testing::Le(3U)));  // halves of characters look alike
    if (i < read) continue;
    EXPECT_EQ(told["tokens"][i], own["tokens"][i - read]);
    EXPECT_FLOAT_EQ(told["token_logprobs"][i], own["token_logprobs"][i - read]);
  }
  // Read as a prompt, its own continuation is as probable as it was when it was drawn.
  const Json again = completed(fmt::format(R"("prompt":{},"max_tokens":0,"logprobs":3,"echo":true)", text.dump()));
  EXPECT_EQ(again["choices"][0]["text"], text);
  EXPECT_EQ(again["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(again["usage"]["completion_tokens"], 0);
  const Json& once_more = again["choices"][0]["logprobs"];
  ASSERT_EQ(once_more["tokens"], told["tokens"]);
  for (size_t i = 1; i < told["tokens"].size(); ++i)
    EXPECT_NEAR(once_more["token_logprobs"][i].get<double>(), told["token_logprobs"][i].get<double>(), 1e-4) << i;
}

TEST_F(ServiceTest, NamesTokensByTheirIds) {
  const Json j = Json::parse(
      ask("/v1/completions",
          R"({"prompt":["there","two"],"max_tokens":0,"logprobs":1,"echo":true,"return_tokens_as_token_ids":true})")
          .body);
  ASSERT_EQ(j["choices"].size(), 2U) << j;
  EXPECT_EQ(j["choices"][1]["text"], "two");
  for (const Json& choice : j["choices"]) {
    for (const Json& token : choice["logprobs"]["tokens"]) EXPECT_THAT(token, testing::StartsWith("token_id:"));
    EXPECT_THAT(choice["logprobs"]["top_logprobs"].back().begin().key(), testing::StartsWith("token_id:"));
  }
}

TEST_F(ServiceTest, RefusesAnEchoThatIsNotServed) {
  for (const auto& [target, body] :
       {std::pair("/v1/completions", R"({"prompt":"a","echo":true,"stream":true})"),
        std::pair("/v1/completions", R"({"prompt":"a","echo":1})"),
        std::pair("/v1/chat/completions", R"({"messages":[{"role":"user","content":"a"}],"echo":true})")}) {
    const Answer a = ask(target, body);
    EXPECT_EQ(a.status, 400) << body;
    EXPECT_EQ(Json::parse(a.body)["error"]["param"], "echo");
  }
  EXPECT_EQ(ask("/v1/completions", R"({"prompt":"a","max_tokens":0})").status, 400);
}

TEST_F(ServiceTest, StopsAtAStopText) {
  const auto body = [](const std::string& more) {
    return R"({"prompt":"there are","max_tokens":60,"temperature":0)" + more + "}";
  };
  const Json whole = Json::parse(ask("/v1/completions", body("")).body);
  const std::string text = whole["choices"][0]["text"];
  ASSERT_GT(text.size(), 8U);
  const std::string stop = text.substr(5, 2);
  const Json j = Json::parse(
      ask("/v1/completions", body(R"(,"stop":)" + Json(stop).dump(-1, ' ', true, Json::error_handler_t::ignore))).body);
  EXPECT_EQ(j["choices"][0]["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(j["choices"][0]["finish_reason"], "stop");
}

TEST_F(ServiceTest, RefusesByField) {
  const auto refused = [&](const std::string& body, const char* field) {
    const Answer a = ask("/v1/chat/completions", body);
    EXPECT_EQ(a.status, 400) << body;
    const Json e = Json::parse(a.body)["error"];
    EXPECT_EQ(e["type"], "invalid_request_error");
    EXPECT_EQ(e["param"].is_null() ? "" : e["param"].get<std::string>(), field) << a.body;
  };
  refused("nonsense", "");
  refused("{}", "messages");
  refused(fmt::format(R"({{{},"temperature":3}})", kQuestion), "temperature");
  refused(fmt::format(R"({{{},"n":0}})", kQuestion), "n");
  refused(fmt::format(R"({{{},"tools":[{{}}]}})", kQuestion), "tools");
  refused(fmt::format(R"({{{},"presence_penalty":1}})", kQuestion), "presence_penalty");
  refused(fmt::format(R"({{{},"top_logprobs":2}})", kQuestion), "top_logprobs");
  refused(fmt::format(R"({{{},"stop":[1]}})", kQuestion), "stop");
  refused(fmt::format(R"({{{},"logit_bias":{{"x":1}}}})", kQuestion), "logit_bias");
  refused(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})", "messages");
  // Longer than the context.
  refused(fmt::format(R"({{"messages":[{{"role":"user","content":"{}"}}]}})", std::string(2000, 'x')), "messages");
  EXPECT_EQ(ask("/v1/nothing", "{}").status, 404);
  EXPECT_EQ(ask("/v1/chat/completions", "", "GET").status, 405);
}

TEST_F(ServiceTest, ListsItsModel) {
  const Json j = Json::parse(ask("/v1/models", "", "GET").body);
  EXPECT_EQ(j["data"][0]["id"], "tiny");
  EXPECT_EQ(ask("/healthz", "", "GET").body, "ok\n");
}

TEST_F(ServiceTest, AClientThatLeavesCostsNothingMore) {
  EngineSettings s = settings();
  s.on_logits = [](std::span<const int32_t>, std::span<float> logits) {
    logits.back() = -1e9F;
  };  // never ends by itself
  s.threads = 1;
  start(std::move(s));
  {
    Tcp::socket socket = connect();
    boost::asio::write(socket, boost::asio::buffer(request("/v1/completions",
                                                           R"({"prompt":"a","max_tokens":250,"n":60,"stream":true})")));
    std::array<char, 256> room{};
    socket.read_some(boost::asio::buffer(room));
    EXPECT_EQ(service_->engine().open(), 1U);
  }
  for (int i = 0; i < 2000 && service_->engine().open() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(service_->engine().open(), 0U);
  EXPECT_EQ(service_->engine().answered(), 0U);
}

TEST_F(ServiceTest, AnswersManyAtOnce) {
  const std::string body = fmt::format(R"({{{},"max_tokens":30,"seed":5}})", kQuestion);
  const Json alone = Json::parse(ask("/v1/chat/completions", body).body)["choices"];
  std::atomic<int> same{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&] { same += Json::parse(ask("/v1/chat/completions", body).body)["choices"] == alone; });
  }
  for (std::thread& c : clients) c.join();
  EXPECT_EQ(same, 12);
}

TEST_F(ServiceTest, SaysWhenItIsFull) {
  EngineSettings s = settings();
  s.asks_max = 0;
  start(std::move(s));
  EXPECT_EQ(ask("/v1/chat/completions", fmt::format("{{{}}}", kQuestion)).status, 429);
}

TEST(TextGate, HoldsBackWhatMayBeAStopText) {
  TextGate gate({"END", "\n\n"});
  EXPECT_EQ(gate.push("go E"), "go ");
  EXPECT_EQ(gate.push("N"), "");
  EXPECT_EQ(gate.push("X\n"), "ENX");
  EXPECT_EQ(gate.push("xEN"), "\nx");
  EXPECT_EQ(gate.push("D more"), "");
  EXPECT_TRUE(gate.stopped());
  EXPECT_EQ(gate.push("more"), "");
}

TEST(TextGate, HoldsBackHalfACharacter) {
  TextGate gate({});
  EXPECT_EQ(gate.push("caf\xc3"), "caf");
  EXPECT_EQ(gate.push("\xa9\xf0\x9f"), "\xc3\xa9");
  EXPECT_EQ(gate.finish(), "\xf0\x9f");
  EXPECT_EQ(gate.push("\x80\x80\x80"), "\x80\x80\x80");  // no character at all: not held for ever
}

}  // namespace
}  // namespace stillwatch::serving
