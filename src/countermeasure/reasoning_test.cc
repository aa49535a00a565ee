#include "countermeasure/reasoning.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace stillwatch::countermeasure {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct Result {
  std::string out;
  std::string asked;  // the reasoning that a summary was asked for
};

Result run(std::string_view text, size_t piece = 1 << 20, bool summarise = false, std::string_view summary = "") {
  ReasoningStripper stripper(summarise);
  Result r;
  const auto answer = [&] {
    if (!stripper.awaits_summary()) return;
    r.asked = stripper.reasoning();
    stripper.resume(summary, r.out);
  };
  for (size_t at = 0; at < text.size(); at += piece) {
    stripper.pass(text.substr(at, piece), r.out);
    answer();
  }
  stripper.finish(r.out);
  answer();
  return r;
}

std::string event(const json& data, const char* name = nullptr) {
  return (name != nullptr ? std::string("event: ") + name + "\n" : std::string()) + "data: " + data.dump() + "\n\n";
}

std::string chat_stream() {
  const auto delta = [](const json& d, const json& finish = nullptr) {
    return event({{"id", "c"}, {"choices", {{{"index", 0}, {"delta", d}, {"finish_reason", finish}}}}});
  };
  return delta({{"role", "assistant"}, {"content", ""}}) + delta({{"reasoning_content", "First, SECRET"}}) +
         delta({{"reasoning_content", " steps."}}) + delta({{"content", "The answer"}}) +
         delta({{"content", " is 4."}}) + delta(json::object(), "stop") +
         event({{"choices", json::array()},
                {"usage",
                 {{"prompt_tokens", 9},
                  {"completion_tokens", 70},
                  {"completion_tokens_details", {{"reasoning_tokens", 64}}}}}}) +
         "data: [DONE]\n\n";
}

std::string anthropic_stream() {
  return event({{"type", "message_start"}, {"message", {{"content", json::array()}, {"usage", {{"input_tokens", 9}}}}}},
               "message_start") +
         event({{"type", "content_block_start"},
                {"index", 0},
                {"content_block", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}}},
               "content_block_start") +
         event({{"type", "content_block_delta"},
                {"index", 0},
                {"delta", {{"type", "thinking_delta"}, {"thinking", "First, SECRET"}}}},
               "content_block_delta") +
         event({{"type", "content_block_delta"},
                {"index", 0},
                {"delta", {{"type", "thinking_delta"}, {"thinking", " steps."}}}},
               "content_block_delta") +
         event({{"type", "content_block_delta"},
                {"index", 0},
                {"delta", {{"type", "signature_delta"}, {"signature", "c2ln"}}}},
               "content_block_delta") +
         event({{"type", "content_block_stop"}, {"index", 0}}, "content_block_stop") +
         event({{"type", "content_block_start"}, {"index", 1}, {"content_block", {{"type", "text"}, {"text", ""}}}},
               "content_block_start") +
         event({{"type", "content_block_delta"},
                {"index", 1},
                {"delta", {{"type", "text_delta"}, {"text", "The answer is 4."}}}},
               "content_block_delta") +
         event({{"type", "content_block_stop"}, {"index", 1}}, "content_block_stop") +
         event(
             {{"type", "message_delta"}, {"delta", {{"stop_reason", "end_turn"}}}, {"usage", {{"output_tokens", 70}}}},
             "message_delta") +
         event({{"type", "message_stop"}}, "message_stop");
}

std::string responses_stream() {
  const json item = {
      {"id", "r"}, {"type", "reasoning"}, {"summary", {{{"type", "summary_text"}, {"text", "First, SECRET steps."}}}}};
  const json message = {{"type", "message"}, {"content", {{{"type", "output_text"}, {"text", "The answer is 4."}}}}};
  return event({{"type", "response.created"}, {"response", {{"output", json::array()}}}}, "response.created") +
         event({{"type", "response.output_item.added"},
                {"item", {{"id", "r"}, {"type", "reasoning"}, {"summary", json::array()}}}},
               "response.output_item.added") +
         event({{"delta", "First, SECRET"}, {"item_id", "r"}, {"type", "response.reasoning_summary_text.delta"}},
               "response.reasoning_summary_text.delta") +
         event({{"delta", " steps."}, {"item_id", "r"}, {"type", "response.reasoning_summary_text.delta"}},
               "response.reasoning_summary_text.delta") +
         event({{"text", "First, SECRET steps."}, {"item_id", "r"}, {"type", "response.reasoning_summary_text.done"}},
               "response.reasoning_summary_text.done") +
         event({{"type", "response.output_item.done"}, {"item", item}}, "response.output_item.done") +
         event({{"type", "response.output_text.delta"}, {"delta", "The answer is 4."}}, "response.output_text.delta") +
         event({{"type", "response.output_text.done"}, {"text", "The answer is 4."}}, "response.output_text.done") +
         event({{"type", "response.completed"},
                {"response", {{"output", {item, message}}, {"usage", {{"output_tokens", 70}}}}}},
               "response.completed");
}

std::string think_stream() {
  std::string out;
  for (const char* piece : {"", "\n<th", "ink>", "First, SECRET", " steps.</thi", "nk>\n\nThe answer", " is 4."})
    out += event({{"choices", {{{"index", 0}, {"delta", {{"content", piece}}}}}}});
  return out + event({{"choices", {{{"index", 0}, {"delta", json::object()}, {"finish_reason", "stop"}}}}}) +
         "data: [DONE]\n\n";
}

// All visible text and reasoning of a stream of chat chunks.
std::string joined(std::string_view stream, const char* member) {
  std::string text;
  while (!stream.empty()) {
    const size_t end = stream.find('\n');
    const std::string_view line = stream.substr(0, end);
    stream.remove_prefix(std::min(stream.size(), end == stream.npos ? stream.size() : end + 1));
    if (!line.starts_with("data: {")) continue;
    const json data = json::parse(line.substr(6));
    for (const auto& choice : data.value("choices", json::array())) text += choice["delta"].value(member, "");
  }
  return text;
}

const std::vector<std::string> kDocuments = {
    json{{"choices",
          {{{"index", 0},
            {"message",
             {{"content", "The answer is 4."},
              {"reasoning_content", "First, SECRET steps."},
              {"reasoning", "First, SECRET steps."},
              {"reasoning_details", {{{"text", "SECRET"}}}}}},
            {"finish_reason", "stop"}},
           {{"index", 1}, {"message", {{"content", "4"}, {"reasoning_content", "SECRET too"}}}}}},
         {"usage", {{"completion_tokens", 70}}}}
        .dump(),
    json{{"type", "message"},
         {"content",
          {{{"type", "thinking"}, {"thinking", "First, SECRET steps."}, {"signature", "c2ln"}},
           {{"type", "redacted_thinking"}, {"data", "SECRET"}},
           {{"type", "text"}, {"text", "The answer is 4."}}}},
         {"usage", {{"output_tokens", 70}}}}
        .dump(),
    json{{"object", "response"},
         {"output",
          {{{"type", "reasoning"}, {"content", {{{"text", "First, SECRET steps."}, {"type", "reasoning_text"}}}}},
           {{"type", "message"}, {"content", {{{"type", "output_text"}, {"text", "The answer is 4."}}}}}}},
         {"usage", {{"output_tokens", 70}}}}
        .dump(),
    json{{"choices",
          {{{"index", 0}, {"message", {{"content", "<think>First, SECRET steps.</think>\n\nThe answer is 4."}}}}}},
         {"usage", {{"completion_tokens", 70}}}}
        .dump()};

TEST(ReasoningStripper, WithholdsItInEveryDialectHoweverTheBytesCome) {
  std::vector<std::string> answers = kDocuments;
  for (const auto& stream : {chat_stream(), anthropic_stream(), responses_stream(), think_stream()})
    answers.push_back(stream);
  for (const std::string& text : answers) {
    ASSERT_NE(text.find("SECRET"), text.npos);
    const std::string whole = run(text).out;
    EXPECT_EQ(whole.find("SECRET"), whole.npos) << whole;
    EXPECT_THAT(whole, HasSubstr("answer")) << whole;
    EXPECT_EQ(whole.find("think>"), whole.npos) << whole;
    for (const size_t piece : {1u, 7u, 64u}) EXPECT_EQ(run(text, piece).out, whole);
  }
}

TEST(ReasoningStripper, KeepsShapeUsageAndTheAnswer) {
  const std::string chat = run(chat_stream()).out;
  EXPECT_EQ(joined(chat, "content"), "The answer is 4.");
  EXPECT_EQ(joined(chat, "reasoning_content"), "");
  EXPECT_THAT(chat, HasSubstr("\"reasoning_tokens\":64"));
  EXPECT_THAT(chat, HasSubstr("data: [DONE]\n\n"));
  const std::string think = run(think_stream()).out;
  EXPECT_EQ(joined(think, "content"), "The answer is 4.");
  for (const std::string& document : kDocuments) {
    const json before = json::parse(document), after = json::parse(run(document).out);
    EXPECT_EQ(after["usage"], before["usage"]);
  }
  const json anthropic = json::parse(run(kDocuments[1]).out);
  EXPECT_EQ(anthropic["content"][0], (json{{"type", "thinking"}, {"thinking", ""}, {"signature", "c2ln"}}));
  EXPECT_EQ(anthropic["content"][2]["text"], "The answer is 4.");
}

TEST(ReasoningStripper, LeavesAnswersWithoutReasoningAsTheyAre) {
  const std::string plain =
      event({{"choices", {{{"index", 0}, {"delta", {{"content", "I <think> so, and"}}}}}}}) + "data: [DONE]\n\n";
  for (const std::string& text :
       {plain, std::string("{\"error\":{\"message\":\"no\"}}"), std::string("not json\n\n"), std::string("")}) {
    EXPECT_EQ(run(text).out, text);
    EXPECT_EQ(run(text, 3).out, text);
    EXPECT_EQ(run(text, 3, true, "s").out, text);
  }
}

TEST(ReasoningStripper, PutsASummaryInItsPlace) {
  std::vector<std::string> answers = kDocuments;
  for (const auto& stream : {chat_stream(), anthropic_stream(), responses_stream(), think_stream()})
    answers.push_back(stream);
  for (const std::string& text : answers) {
    for (const size_t piece : {1u, 50u, 1u << 20}) {
      const Result r = run(text, piece, true, "It adds up.");
      EXPECT_THAT(r.asked, HasSubstr("First, SECRET steps.")) << text;
      EXPECT_THAT(r.out, Not(HasSubstr("SECRET"))) << r.out;
      EXPECT_THAT(r.out, HasSubstr("It adds up.")) << r.out;
      if (text.front() != '{') {
        EXPECT_LT(r.out.find("It adds up."), r.out.find("answer")) << r.out;
      }
      const Result withheld = run(text, piece, true, "");  // the model that shortens did not answer
      EXPECT_EQ(withheld.out, run(text, piece).out);
    }
  }
  EXPECT_EQ(joined(run(chat_stream(), 1 << 20, true, "It adds up.").out, "reasoning_content"), "It adds up.");
  EXPECT_EQ(joined(run(think_stream(), 1 << 20, true, "It adds up.").out, "content"),
            "<think>\nIt adds up.\n</think>\n\nThe answer is 4.");
}

TEST(ReasoningStripper, ReasoningThatNeverEndsIsWithheldToTheEnd) {
  const std::string text = event({{"choices", {{{"index", 0}, {"delta", {{"content", "<think>SECRET"}}}}}}}) +
                           event({{"choices", {{{"index", 0}, {"delta", {{"content", " and more"}}}}}}});
  EXPECT_EQ(joined(run(text).out, "content"), "");
  const Result r = run(text, 5, true, "s");
  EXPECT_EQ(r.out.find("SECRET"), r.out.npos);
}

}  // namespace
}  // namespace stillwatch::countermeasure
