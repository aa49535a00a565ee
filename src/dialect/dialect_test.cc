#include <gtest/gtest.h>

#include "dialect/field_map.h"
#include "dialect/log_format.h"

namespace stillwatch::dialect {
namespace {

// What a test compares of an exchange, with text of its own.
struct Read {
  std::string account, system, model, answer;
  std::vector<std::string> turns;
  int status = 0;
  int64_t output_tokens = -1;
  double temperature = -1;
  base::Time time{};
  bool operator==(const Read&) const = default;
};

std::vector<Read> read_all(LogFormat format, std::string_view line, std::shared_ptr<const FieldMap> map = nullptr,
                           std::shared_ptr<const IdentityIndex> identities = nullptr) {
  LogParser parser(format, std::move(map), std::move(identities));
  std::vector<Read> all;
  const auto parsed = parser.parse(line, [&](const Exchange& e) {
    Read r{std::string(e.account),
           std::string(e.system),
           std::string(e.model),
           std::string(e.answer),
           {},
           e.status,
           e.output_tokens.value_or(-1),
           e.sampling.temperature.value_or(-1),
           e.time};
    for (const Turn& turn : e.turns)
      r.turns.push_back("uat"[turn.role == Role::kUser        ? 0
                              : turn.role == Role::kAssistant ? 1
                                                              : 2] +
                        std::string(":") + std::string(turn.text));
    all.push_back(r);
  });
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return all;
}

std::string problem(LogFormat format, std::string_view line) {
  LogParser parser(format);
  const auto parsed = parser.parse(line, [](const Exchange&) {});
  return parsed ? "" : parsed.error().message;
}

const Read kExpected{"acct_1",
                     "Be brief.",
                     "atlas",
                     "A tide.",
                     {"u:What rises?", "a:Bread.", "u:And at sea?"},
                     200,
                     3,
                     0.5,
                     *base::parse_rfc3339("2026-03-02T10:00:00Z")};

constexpr std::string_view kMessages =
    R"([{"role":"system","content":"Be brief."},{"role":"user","content":"What rises?"},{"role":"assistant","content":"Bread."},{"role":"user","content":"And at sea?"}])";

TEST(Formats, TellTheSameStory) {
  const std::string messages(kMessages);
  const std::string body = R"({"model":"atlas","temperature":0.5,"messages":)" + messages + "}";
  const std::string response =
      R"({"object":"chat.completion","model":"atlas","choices":[{"index":0,"message":{"role":"assistant","content":"A tide."},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":3}})";
  const auto escape = [](std::string text) {
    for (size_t i = text.find('"'); i != std::string::npos; i = text.find('"', i + 2)) text.insert(i, "\\");
    return text;
  };
  const auto expect = [&](LogFormat format, const std::string& line, Read expected = kExpected) {
    const auto read = read_all(format, line);
    ASSERT_EQ(read.size(), 1u) << name_of(format);
    EXPECT_EQ(read[0].turns, expected.turns) << name_of(format);
    EXPECT_EQ(read[0], expected) << name_of(format) << " " << read[0].account << " " << read[0].answer << " "
                                 << read[0].output_tokens;
  };
  expect(LogFormat::kExchange,
         R"({"time":"2026-03-02T10:00:00Z","account":"acct_1","request":)" + body + R"(,"response":)" + response + "}");
  // Bodies kept as strings, time as a number, fields in another order.
  expect(LogFormat::kExchange, R"({"request":")" + escape(body) + R"(","response":")" + escape(response) +
                                   R"(","account":"acct_1","time":1772445600})");
  // The other API.
  expect(
      LogFormat::kExchange,
      R"({"time":"2026-03-02T10:00:00Z","account":"acct_1","request":{"model":"atlas","temperature":0.5,"system":[{"type":"text","text":"Be brief."}],"messages":[{"role":"user","content":"What rises?"},{"role":"assistant","content":[{"type":"text","text":"Bread."}]},{"role":"user","content":[{"type":"text","text":"And at sea?"}]}]},)"
      R"("response":{"type":"message","content":[{"type":"thinking","thinking":"sea..."},{"type":"text","text":"A tide."}],"stop_reason":"end_turn","usage":{"input_tokens":20,"output_tokens":3}}})");
  // The responses API.
  expect(
      LogFormat::kExchange,
      R"({"time":"2026-03-02T10:00:00Z","account":"acct_1","request":{"model":"atlas","temperature":0.5,"instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"What rises?"}]},{"role":"assistant","content":[{"type":"output_text","text":"Bread."}]},{"role":"user","content":"And at sea?"}]},)"
      R"("response":{"object":"response","output":[{"type":"reasoning","summary":[]},{"type":"message","content":[{"type":"output_text","text":"A tide."}]}],"usage":{"input_tokens":20,"output_tokens":3}}})");
  // A stream kept as its chunks.
  expect(
      LogFormat::kExchange,
      R"({"time":"2026-03-02T10:00:00Z","account":"acct_1","request":)" + body +
          R"(,"response":[{"choices":[{"index":0,"delta":{"role":"assistant","content":"A "}}]},{"choices":[{"index":0,"delta":{"content":"tide."}}]},{"choices":[],"usage":{"completion_tokens":3}}]})");
  expect(LogFormat::kLitellm,
         R"({"id":"x","startTime":1772445600.0,"model":"atlas","model_parameters":{"temperature":0.5},"messages":)" +
             messages + R"(,"response":)" + response +
             R"(,"completion_tokens":3,"metadata":{"user_api_key_hash":"acct_1"},"status":"success"})");
  expect(
      LogFormat::kLangfuse,
      R"({"id":"x","type":"GENERATION","startTime":"2026-03-02T10:00:00Z","model":"atlas","modelParameters":{"temperature":0.5},"input":)" +
          messages +
          R"(,"output":{"role":"assistant","content":"A tide."},"usageDetails":{"input":20,"output":3},"userId":"acct_1"})");
  expect(LogFormat::kHelicone,
         R"({"request_id":"x","request_created_at":"2026-03-02T10:00:00Z","auth_hash":"acct_1","request_body":)" +
             body + R"(,"response_body":)" + response + R"(,"response_status":200})");
  expect(LogFormat::kOpenaiBatch, R"({"custom_id":"x","time":"2026-03-02T10:00:00Z","account":"acct_1","body":)" +
                                      body + R"(,"response":{"status_code":200,"body":)" + response + "}}");
  expect(
      LogFormat::kAnthropic,
      R"({"custom_id":"x","time":"2026-03-02T10:00:00Z","account":"acct_1","params":)" + body +
          R"(,"result":{"type":"succeeded","message":{"content":[{"type":"text","text":"A tide."}],"usage":{"output_tokens":3}}}})");
  // OpenTelemetry: plain attributes with messages, an OTLP export, and the older events.
  expect(
      LogFormat::kOtel,
      R"({"startTimeUnixNano":"1772445600000000000","attributes":{"user.id":"acct_1","gen_ai.request.model":"atlas","gen_ai.request.temperature":0.5,"gen_ai.system_instructions":"[{\"type\":\"text\",\"content\":\"Be brief.\"}]","gen_ai.input.messages":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"What rises?\"}]},{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"Bread.\"}]},{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"And at sea?\"}]}]","gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"A tide.\"}]}]","gen_ai.usage.output_tokens":3}})");
  expect(
      LogFormat::kOtel,
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"chat","startTimeUnixNano":"1772445600000000000","attributes":[{"key":"enduser.id","value":{"stringValue":"acct_1"}},{"key":"gen_ai.request.model","value":{"stringValue":"atlas"}},{"key":"gen_ai.request.temperature","value":{"doubleValue":0.5}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"3"}}],"events":[{"name":"gen_ai.system.message","attributes":[{"key":"content","value":{"stringValue":"Be brief."}}]},{"name":"gen_ai.user.message","attributes":[{"key":"content","value":{"stringValue":"What rises?"}}]},{"name":"gen_ai.assistant.message","attributes":[{"key":"content","value":{"stringValue":"Bread."}}]},{"name":"gen_ai.user.message","attributes":[{"key":"content","value":{"stringValue":"And at sea?"}}]},{"name":"gen_ai.choice","attributes":[{"key":"content","value":{"stringValue":"A tide."}}]}]}]}]}]})");
  // The older events as records of their own, two calls interleaved.
  expect(
      LogFormat::kOtel,
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"account.id","value":{"stringValue":"acct_1"}}]},"scopeLogs":[{"logRecords":[)"
      R"({"timeUnixNano":"1772445600000000000","spanId":"a1","eventName":"gen_ai.system.message","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"atlas"}},{"key":"gen_ai.request.temperature","value":{"doubleValue":0.5}}],"body":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"Be brief."}}]}}},)"
      R"({"timeUnixNano":"1772445600000000001","spanId":"b2","eventName":"gen_ai.choice","body":{"stringValue":"nothing was asked"}},)"
      R"({"timeUnixNano":"1772445600000000001","spanId":"a1","eventName":"gen_ai.user.message","body":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"What rises?"}}]}}},)"
      R"({"timeUnixNano":"1772445600000000002","spanId":"a1","attributes":[{"key":"event.name","value":{"stringValue":"gen_ai.assistant.message"}}],"body":{"content":"Bread."}},)"
      R"({"timeUnixNano":"1772445600000000003","spanId":"a1","eventName":"gen_ai.user.message","body":{"content":"And at sea?"}},)"
      R"({"timeUnixNano":"1772445600000000004","spanId":"a1","eventName":"gen_ai.choice","attributes":[{"key":"gen_ai.usage.output_tokens","value":{"intValue":"3"}}],"body":{"kvlistValue":{"values":[{"key":"message","value":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"A tide."}}]}}}]}}}]}]}]})");
}

TEST(Formats, AreDetectedByTheirMarks) {
  const auto detected = [](std::string_view line) {
    const auto format = LogParser::detect(line);
    return format ? std::string(name_of(*format)) : format.error().message;
  };
  EXPECT_EQ(detected(R"({"time":"x","request":{}})"), "exchange");
  EXPECT_EQ(detected(R"({"resourceSpans":[]})"), "otel");
  EXPECT_EQ(detected(R"({"startTime":1,"call_type":"completion"})"), "litellm");
  EXPECT_EQ(detected(R"({"traceId":"t","input":[]})"), "langfuse");
  EXPECT_EQ(detected(R"({"request_body":{}})"), "helicone");
  EXPECT_EQ(detected(R"({"custom_id":"1","body":{}})"), "openai-batch");
  EXPECT_EQ(detected(R"({"custom_id":"1","params":{}})"), "anthropic");
  EXPECT_NE(detected(R"({"a":1})").find("--format"), std::string::npos);
  EXPECT_NE(detected("nonsense").find("--format"), std::string::npos);
}

TEST(Formats, ToolCallsAndToolResultsAreTurns) {
  const auto read = read_all(
      LogFormat::kExchange,
      R"({"time":1772445600,"account":"a","request":{"messages":[{"role":"user","content":"weather?"},{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"w","arguments":"{\"city\":\"Oslo\"}"}}]},{"role":"tool","content":"rain"}]},"response":null})");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].turns, (std::vector<std::string>{"u:weather?", R"(a:{"city":"Oslo"})", "t:rain"}));
}

TEST(Formats, ErrorBodiesAreNotAnswers) {
  const auto read =
      read_all(LogFormat::kExchange,
               R"({"time":1772445600,"account":"a","request":{"prompt":"x"},"response":{"error":{"message":"no"}}})");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].status, 400);
  EXPECT_EQ(read[0].answer, "");
}

TEST(Hostile, BrokenLinesSayWhatIsMissingAndNeverQuoteIt) {
  EXPECT_EQ(problem(LogFormat::kExchange, "{\"time\":"), "not JSON");
  EXPECT_EQ(problem(LogFormat::kExchange, R"({"time":"yesterday","request":{"prompt":"secret"}})"),
            "`time` is missing or not a time");
  EXPECT_EQ(problem(LogFormat::kExchange, R"({"time":1772445600,"request":{"secret":"secret"}})"),
            "`request` is missing or holds no prompt");
  EXPECT_EQ(problem(LogFormat::kExchange, "{\"time\":1772445600,\"request\":{\"prompt\":\"\xff\xfe\"}}"), "not UTF-8");
  EXPECT_EQ(problem(LogFormat::kExchange, std::string(200, '[') + std::string(200, ']')), "nested too deeply");
  EXPECT_NE(problem(LogFormat::kLitellm, "{}"), "");
  EXPECT_NE(problem(LogFormat::kOtel, "{}"), "");
  EXPECT_NE(problem(LogFormat::kExchange, "[]"), "");
  EXPECT_NE(problem(LogFormat::kExchange, "7"), "");
}

TEST(Hostile, OddTypesCostOneFieldAndNotTheRecord) {
  const auto read = read_all(
      LogFormat::kExchange,
      R"({"time":1772445600,"account":{"x":1},"network":[],"status":"x","model":7,"request":{"messages":[7,null,"plain",{"role":5,"content":{"text":"object"}},{"role":"user","content":[7,{"type":"text"},{"type":"text","text":"part"}]}],"temperature":"hot","n":1e300,"tools":{}},"response":{"choices":"none","usage":{"completion_tokens":"many"}}})");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].account, "");
  EXPECT_EQ(read[0].turns, (std::vector<std::string>{"u:plain", "u:object", "u:part"}));
  EXPECT_EQ(read[0].output_tokens, -1);
}

TEST(FieldMap, ReadsARecordOfAnyShapeAndJoinsIdentity) {
  auto map = FieldMap::parse(
      "time: at\nrequest_id: rid\nprompt: in[0].text\nanswer: out\noutput_tokens: usage.out\nmodel: {value: local}\n"
      "join:\n  request_id: id\n  account: key\n  network: ip\n",
      "map.yaml");
  ASSERT_TRUE(map) << map.error().message;
  auto index = std::make_shared<IdentityIndex>();
  EXPECT_TRUE(*map->read_identity(R"({"id":"r1","key":"acct_9","ip":"192.0.2.1"})", *index));
  EXPECT_FALSE(*map->read_identity("broken", *index));
  const auto read = read_all(
      LogFormat::kMap, R"({"at":1772445600,"rid":"r1","in":[{"text":"What rises?"}],"out":"Bread.","usage":{"out":2}})",
      std::make_shared<const FieldMap>(*map), index);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].account, "acct_9");
  EXPECT_EQ(read[0].model, "local");
  EXPECT_EQ(read[0].turns, std::vector<std::string>{"u:What rises?"});
  EXPECT_EQ(read[0].output_tokens, 2);
}

TEST(FieldMap, NamesTheLineAndColumnOfAMistake) {
  const auto problem_of = [](std::string_view yaml) {
    const auto map = FieldMap::parse(yaml, "m.yaml");
    return map ? std::string() : map.error().message;
  };
  EXPECT_EQ(problem_of("time: t\ncolour: c\nprompt: p").substr(0, 11), "m.yaml:2:1:");
  EXPECT_EQ(problem_of("time: t\nprompt: a..b").substr(0, 12), "m.yaml:2:9: ");
  EXPECT_NE(problem_of("prompt: p").find("`time`"), std::string::npos);
  EXPECT_NE(problem_of("time: t").find("prompt"), std::string::npos);
  EXPECT_NE(problem_of("[1, 2").find("m.yaml:"), std::string::npos);
  EXPECT_NE(problem_of("time: t\nprompt: p\njoin: {account: a}").find("request_id"), std::string::npos);
}

}  // namespace
}  // namespace stillwatch::dialect
