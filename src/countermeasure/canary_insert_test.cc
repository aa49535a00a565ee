#include "countermeasure/canary_insert.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace stillwatch::countermeasure {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kCanary = "Far away in Quenmere, Torvi Bellsand kept a lamp lit.";
const std::string kStory =
    "Once upon a time a little fox lived at the edge of a great forest, and every morning she went down to the river "
    "to look at the boats that came from the sea. She knew the names of all of them.\n\n"
    "\"One day,\" she said, \"I will go with them.\" And one day she did.\n\nThe end.";

std::string document(const std::string& text) {
  return json{
      {"choices", {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", "stop"}}}}}
      .dump();
}

std::string chat_stream(std::string_view text, size_t piece) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece)
    out += "data: " + json{{"choices", {{{"index", 0}, {"delta", {{"content", text.substr(at, piece)}}}}}}}.dump() +
           "\n\n";
  return out + "data: [DONE]\n\n";
}

std::string anthropic_stream(std::string_view text, size_t piece) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece) {
    out += "event: content_block_delta\ndata: " +
           json{{"type", "content_block_delta"}, {"delta", {{"type", "text_delta"}, {"text", text.substr(at, piece)}}}}
               .dump() +
           "\n\n";
  }
  return out;
}

std::string event(const json& data) {
  return "event: " + std::string(data["type"]) + "\ndata: " + data.dump() + "\n\n";
}

// An answer of two texts, as the responses API streams it.
std::string responses_stream(const std::vector<std::string>& texts, size_t piece) {
  json output = json::array();
  std::string out = event({{"type", "response.created"}, {"response", {{"output", json::array()}}}});
  for (size_t i = 0; i < texts.size(); ++i) {
    const json part = {{"type", "output_text"}, {"text", texts[i]}};
    const json item = {{"type", "message"}, {"content", {part}}};
    out += event({{"type", "response.content_part.added"}, {"part", {{"type", "output_text"}, {"text", ""}}}});
    for (size_t at = 0; at < texts[i].size(); at += piece)
      out += event({{"type", "response.output_text.delta"}, {"delta", texts[i].substr(at, piece)}});
    out += event({{"type", "response.output_text.done"}, {"output_index", i}, {"text", texts[i]}});
    out += event({{"type", "response.content_part.done"}, {"output_index", i}, {"part", part}});
    out += event({{"type", "response.output_item.done"}, {"output_index", i}, {"item", item}});
    output.push_back(item);
  }
  return out + event({{"type", "response.completed"}, {"response", {{"output", output}}}});
}

std::string run(std::string_view bytes, bool* inserted = nullptr, size_t piece = 1 << 20) {
  CanaryInserter inserter(kCanary);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) inserter.pass(bytes.substr(at, piece), out);
  inserter.finish(out);
  if (inserted != nullptr) *inserted = inserter.inserted();
  return out;
}

// The text that a stream's deltas spell.
std::string spelt(const std::string& stream) {
  std::string text;
  for (size_t at = stream.find("data: {"); at != stream.npos; at = stream.find("data: {", at + 1)) {
    const json data = json::parse(stream.substr(at + 6, stream.find('\n', at) - at - 6));
    if (data.contains("choices")) {
      text += data["choices"][0]["delta"].value("content", "");
    } else if (data.contains("delta")) {
      text += data["delta"].is_string() ? std::string(data["delta"]) : data["delta"].value("text", "");
    }
  }
  return text;
}

std::string expected() {
  std::string text = kStory;
  return text.insert(text.find("\n\n") + 2, kCanary + "\n\n");
}

TEST(CanaryInserter, AddsAParagraphToAStoryHoweverItComes) {
  bool inserted = false;
  EXPECT_EQ(json::parse(run(document(kStory), &inserted))["choices"][0]["message"]["content"], expected());
  EXPECT_TRUE(inserted);
  for (const size_t piece : {1u, 3u, 50u, 1000u}) {
    EXPECT_EQ(spelt(run(chat_stream(kStory, piece))), expected()) << piece;
    EXPECT_EQ(spelt(run(anthropic_stream(kStory, piece), nullptr, 7)), expected()) << piece;
  }
}

TEST(CanaryInserter, SaysTheSameInEventsThatTellAllAgain) {
  const std::string opening = "Here is a story.\n\nIt is short.";
  for (const size_t piece : {1u, 3u, 50u, 1000u}) {
    const std::string told = run(responses_stream({kStory}, piece)), wanted = responses_stream({expected()}, piece);
    EXPECT_EQ(spelt(told), expected()) << piece;
    EXPECT_EQ(told.substr(told.find("event: response.output_text.done")),
              wanted.substr(wanted.find("event: response.output_text.done")));
    const std::string second = run(responses_stream({opening, kStory, opening}, piece), nullptr, 7);
    EXPECT_EQ(spelt(second), opening + expected() + opening);
    for (size_t at = second.find(".done"); at != second.npos; at = second.find(".done", at + 10))
      EXPECT_EQ(second.substr(at, second.find("\n\n", at) - at).find("lamp") != std::string::npos,
                second.substr(at, second.find("\n\n", at) - at).find("\"output_index\":1") != std::string::npos);
    EXPECT_THAT(second.substr(second.find("response.completed")), HasSubstr(kCanary + "\\n\\n\\\"One day"));
  }
}

TEST(CanaryInserter, LeavesEverythingElseAsItIs) {
  std::string facts = kStory;
  facts.insert(20, " in 1887");
  std::string list = kStory;
  list.insert(list.find("\n\n"), "\n- a boat\n- a river");
  std::string code = kStory;
  code.insert(30, "`x`");
  for (const std::string& text : {facts, list, code, std::string("# Title\n\n") + kStory,
                                  std::string("Short.\n\nAnd over."), kStory.substr(0, kStory.find("\n\n"))}) {
    bool inserted = true;
    EXPECT_EQ(run(document(text), &inserted), document(text));
    EXPECT_FALSE(inserted);
    EXPECT_EQ(run(chat_stream(text, 5)), chat_stream(text, 5));
  }
  const std::string again = "data: " + json{{"type", "response.output_text.done"}, {"text", kStory}}.dump() + "\n\n";
  EXPECT_EQ(run(again), again);
  EXPECT_EQ(run("{\"error\":1}"), "{\"error\":1}");
}

TEST(AsksForStory, OnlyForOnesThatAreMadeUp) {
  for (const char* yes : {"Write a short story about a fox.", "Tell me a bedtime story!",
                          "Please make up a tale of two ships", "Continue this story: Once upon a time"})
    EXPECT_TRUE(asks_for_story(yes)) << yes;
  for (const char* no :
       {"What is the story of Rome?", "Write a true story about Lincoln", "Write a user story for the login page",
        "Tell me the history of fairy tales", "Write a poem that tells a story", "Summarize the story", "storytelling",
        "", "Write a story as JSON"})
    EXPECT_FALSE(asks_for_story(no)) << no;
}

}  // namespace
}  // namespace stillwatch::countermeasure
