#include "countermeasure/drafts.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "countermeasure/answer_stream.h"
#include "countermeasure/to_stream.h"
#include "watermark/detect.h"
#include "watermark/test_text.h"

namespace stillwatch::countermeasure {
namespace {

using nlohmann::json;
namespace wm = watermark;

const json kRequest = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};

json with(json request, const json& more) {
  request.update(more);
  return request;
}

std::string chat_body(const std::string& text, int tokens) {
  return json{
      {"id", "c1"},
      {"model", "m"},
      {"choices", {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", "stop"}}}},
      {"usage", {{"prompt_tokens", 7}, {"completion_tokens", tokens}, {"total_tokens", 7 + tokens}}}}
      .dump();
}

std::string messages_body(const std::string& text) {
  return json{{"id", "m1"},
              {"type", "message"},
              {"role", "assistant"},
              {"content", {{{"type", "text"}, {"text", text}}}},
              {"stop_reason", "end_turn"},
              {"usage", {{"input_tokens", 7}, {"output_tokens", 20}}}}
      .dump();
}

TEST(PlanDrafts, AsksForDraftsWithoutAStream) {
  const DraftPlan plan = plan_drafts(
      with(kRequest, {{"stream", true}, {"stream_options", {{"include_usage", true}}}, {"seed", 5}}).dump(), 3, false);
  EXPECT_EQ(plan.why_not, "");
  EXPECT_TRUE(plan.streamed);
  EXPECT_TRUE(plan.stream_usage);
  ASSERT_EQ(plan.requests.size(), 3u);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(json::parse(plan.requests[i]),
              with(kRequest, {{"stream", false}, {"stream_options", nullptr}, {"seed", 5 + i}}));
  const DraftPlan one = plan_drafts(kRequest.dump(), 4, true);
  ASSERT_EQ(one.requests.size(), 1u);
  EXPECT_FALSE(one.streamed);
  EXPECT_EQ(json::parse(one.requests[0]), with(kRequest, {{"n", 4}}));
}

TEST(PlanDrafts, SaysWhyNot) {
  const std::pair<json, const char*> cases[] = {{{{"tools", {{{"type", "function"}}}}}, "tools"},
                                                {{{"n", 2}}, "several choices"},
                                                {{{"response_format", {{"type", "json_object"}}}}, "a response format"},
                                                {{{"temperature", 0}}, "temperature 0"},
                                                {{{"top_k", 1}}, "temperature 0"},
                                                {{{"max_tokens", 10}}, "a short answer"},
                                                {{{"max_completion_tokens", 10}}, "a short answer"}};
  for (const auto& [more, why] : cases) {
    const DraftPlan plan = plan_drafts(with(kRequest, more).dump(), 4, false);
    EXPECT_EQ(plan.why_not, why);
    EXPECT_TRUE(plan.requests.empty());
  }
  EXPECT_EQ(plan_drafts("{}", 4, false).why_not, "neither chat completions nor messages");
  EXPECT_EQ(plan_drafts("nonsense", 4, false).why_not, "no JSON");
  EXPECT_EQ(
      plan_drafts(with(kRequest, {{"tools", json::array()}, {"response_format", {{"type", "text"}}}}).dump(), 4, false)
          .why_not,
      "");
}

TEST(ChooseDraft, GivesABodyByteForByteAndMarksOverManyAnswers) {
  const wm::Key key = wm::control_key(3);
  const wm::DraftSelector selector(key, wm::Mark{});
  const wm::TestLanguage language(4);
  base::Random random(8);
  wm::GivenWindows given;
  wm::Windows windows(2);
  for (int i = 0; i < 60; ++i) {
    std::vector<std::string> bodies;
    for (int d = 0; d < 4; ++d) bodies.push_back(chat_body(language.text(50, random, i), 60 + d));
    bodies.insert(bodies.begin(), "{\"error\":{\"message\":\"busy\"}}");
    const auto out = choose_draft(bodies, selector, given);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->body, bodies[out->selection.chosen + 1]);
    EXPECT_EQ(out->drafts, 4u);
    EXPECT_EQ(out->tokens_made, 60u + 61 + 62 + 63);
    EXPECT_EQ(out->tokens_given, 60 + out->selection.chosen);
    EXPECT_FALSE(out->usage_estimated);
    windows.add_text(json::parse(out->body)["choices"][0]["message"]["content"].get<std::string>());
  }
  EXPECT_LT(wm::detect(key, wm::Mark{}, windows).p(), 1e-5);
}

TEST(ChooseDraft, CutsOneChoiceOutOfSeveralAndKeepsUsageHonest) {
  const wm::DraftSelector selector(wm::control_key(3), wm::Mark{});
  wm::GivenWindows given;
  json body = json::parse(chat_body("", 100));
  body["choices"] = json::array();
  const std::string texts[] = {"it rained all day and all night long", "the sun shone",
                               "nobody came to the hill that day"};
  for (int i = 0; i < 3; ++i)
    body["choices"].push_back({{"index", i}, {"message", {{"content", texts[i]}}}, {"finish_reason", "stop"}});
  const auto out = choose_draft(std::vector{body.dump()}, selector, given);
  ASSERT_TRUE(out);
  const json chosen = json::parse(out->body);
  ASSERT_EQ(chosen["choices"].size(), 1u);
  EXPECT_EQ(chosen["choices"][0]["index"], 0);
  EXPECT_EQ(chosen["choices"][0]["message"]["content"], texts[out->selection.chosen]);
  size_t bytes = 0;
  for (const std::string& t : texts) bytes += t.size();
  const auto tokens =
      std::lround(100.0 * static_cast<double>(texts[out->selection.chosen].size()) / static_cast<double>(bytes));
  EXPECT_EQ(chosen["usage"], (json{{"prompt_tokens", 7}, {"completion_tokens", tokens}, {"total_tokens", 7 + tokens}}));
  EXPECT_TRUE(out->usage_estimated);
  EXPECT_EQ(out->tokens_made, 100u);
}

TEST(ChooseDraft, OfMessagesToo) {
  const wm::DraftSelector selector(wm::control_key(3), wm::Mark{});
  wm::GivenWindows given;
  const std::vector<std::string> bodies = {messages_body("it rained all day"), messages_body("the sun shone on it")};
  const auto out = choose_draft(bodies, selector, given);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->body, bodies[out->selection.chosen]);
  EXPECT_EQ(out->tokens_made, 40u);
  EXPECT_FALSE(choose_draft(std::vector<std::string>{"{}", "x", "{\"error\":1}"}, selector, given));
}

// What a client of the stream puts together.
json assembled(const std::string& stream) {
  json out = {{"text", ""}, {"events", json::array()}};
  AnswerStream reader;
  std::string ignored;
  const auto read = [&](AnswerEvent& event) {
    if (event.data == "[DONE]") {
      out["done"] = true;
      return;
    }
    const json data = json::parse(event.data);
    if (!event.name.empty()) out["events"].push_back(std::string(event.name));
    for (const auto& choice : data.value("choices", json::array())) {
      out["text"] = out["text"].get<std::string>() + choice["delta"].value("content", "");
      if (!choice["finish_reason"].is_null()) out["finish"] = choice["finish_reason"];
    }
    if (data.contains("usage")) out["usage"] = data["usage"];
    if (data.value("type", "") == "content_block_delta")
      out["text"] = out["text"].get<std::string>() + data["delta"]["text"].get<std::string>();
    if (data.value("type", "") == "content_block_start") out["block"] = data["content_block"];
    if (data.value("type", "") == "message_start") out["message"] = data["message"];
    if (data.value("type", "") == "message_delta") out["finish"] = data["delta"]["stop_reason"];
  };
  reader.pass(stream, read, ignored);
  reader.finish(read, ignored);
  return out;
}

TEST(ToStream, SpellsTheSameAnswer) {
  std::string text = "It \"rained\"\n\nall day, and all night; nobody  went out for three days or more, they say.";
  for (int i = 0; i < 3; ++i) text += " " + text;
  const json chat = assembled(to_stream(chat_body(text, 30), true));
  EXPECT_EQ(chat["text"], text);
  EXPECT_EQ(chat["finish"], "stop");
  EXPECT_EQ(chat["usage"]["completion_tokens"], 30);
  EXPECT_EQ(chat["done"], true);
  EXPECT_FALSE(assembled(to_stream(chat_body(text, 30), false)).contains("usage"));

  const json messages = assembled(to_stream(messages_body(text), false));
  EXPECT_EQ(messages["text"], text);
  EXPECT_EQ(messages["finish"], "end_turn");
  EXPECT_EQ(messages["usage"]["output_tokens"], 20);
  EXPECT_EQ(messages["message"]["content"], json::array());
  EXPECT_EQ(messages["message"]["stop_reason"], nullptr);
  EXPECT_EQ(messages["block"], (json{{"type", "text"}, {"text", ""}}));
  EXPECT_EQ(messages["events"].front(), "message_start");
  EXPECT_EQ(messages["events"].back(), "message_stop");
  EXPECT_EQ(assembled(to_stream(R"({"type":"message"})", false))["message"]["type"], "message");  // and no content
  EXPECT_EQ(to_stream("oops\nno", false), "data: oops no\n\n");
}

TEST(AnswerEvents, SpellTheSameAnswerByPieces) {
  for (const bool chat : {true, false}) {
    const auto body = [&](const char* text) { return chat ? chat_body(text, 30) : messages_body(text); };
    const AnswerEvents events(body("It"));
    const std::string stream = events.opening() + events.piece("It \"rained\".") + events.piece(" All day.") +
                               events.ending(body("It \"rained\". All day."), true);
    json pieces = assembled(stream), whole = assembled(to_stream(body("It \"rained\". All day."), true));
    pieces.erase("events");  // two pieces, and one
    whole.erase("events");
    EXPECT_EQ(pieces, whole);
  }
}

}  // namespace
}  // namespace stillwatch::countermeasure
