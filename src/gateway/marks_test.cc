// The rung that marks answers, between a client and a model server.
#include <future>
#include <nlohmann/json.hpp>

#include "gateway/marker.h"
#include "gateway/test_policies.h"
#include "watermark/canary.h"
#include "watermark/detect.h"
#include "watermark/evidence.h"
#include "watermark/test_text.h"

namespace stillwatch::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Marks : public Policies {
 protected:
  Marks() { marks_.key.emplace(std::array<uint8_t, 32>{7}); }

  // What the store holds once `answers` are in it.
  watermark::Evidence evidence(const std::function<bool(const watermark::Evidence&)>& whole) {
    for (int i = 0; i < 1000; ++i) {
      watermark::Evidence e;
      const Message m = admin("GET", "/api/v1/evidence");
      EXPECT_TRUE(e.read(m.payload, "evidence")) << m.payload;
      if (whole(e)) return e;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "the evidence is not there";
    return {};
  }
  // A server whose drafts all differ. One call may ask for several.
  void write_drafts() {
    reply_ = [this](const Message& m) {
      const auto asked = nlohmann::json::parse(m.payload);
      nlohmann::json choices = nlohmann::json::array();
      for (int i = 0; i < asked.value("n", 1); ++i) {
        base::Random random(++drafts_);
        choices.push_back({{"index", i},
                           {"message", {{"role", "assistant"}, {"content", language_.text(80, random)}}},
                           {"finish_reason", "stop"}});
      }
      return answer(nlohmann::json{{"id", "c"}, {"choices", choices}, {"usage", {{"completion_tokens", 100}}}}.dump());
    };
  }
  // A server that goes on with an answer by a sentence, until there are some three hundred characters. `before` is told
  // how much there was.
  void write_sentences(std::function<bool(std::string_view before)> goes_on = [](std::string_view) { return true; }) {
    marks_.upstream_continues = true;
    reply_ = [this, goes_on](const Message& m) -> std::string {
      const auto asked = nlohmann::json::parse(m.payload);
      const auto& last = asked["messages"].back();
      const std::string before = last["role"] == "assistant" ? last["content"] : "";
      if (!goes_on(before)) return "";
      base::Random random(++drafts_);
      const std::string text = (before.empty() ? "" : " ") + language_.text(12, random) + ".";
      const bool ended = before.size() > 300;
      if (m.raw.find("/messages") != m.raw.npos) {
        return answer(nlohmann::json{{"type", "message"},
                                     {"content", {{{"type", "text"}, {"text", text}}}},
                                     {"stop_reason", ended ? "end_turn" : "max_tokens"},
                                     {"usage", {{"input_tokens", 7}, {"output_tokens", 15}}}}
                          .dump());
      }
      const nlohmann::json message = {{"role", "assistant"}, {"content", text}};
      return answer(nlohmann::json{{"choices", {{{"message", message}, {"finish_reason", ended ? "stop" : "length"}}}},
                                   {"usage", {{"completion_tokens", 15}}}}
                        .dump());
    };
  }
  // Of the events of a stream: the text, and the data of the last but `[DONE]`.
  struct Told {
    std::string text;
    nlohmann::json last;
  };
  static Told told(std::string_view events) {
    Told out;
    for (size_t at = 0; (at = events.find("data: {", at)) != events.npos;) {
      at += 6;
      const auto data = nlohmann::json::parse(events.substr(at, events.find('\n', at) - at));
      out.text += data.value("/choices/0/delta/content"_json_pointer, "");
      out.text += data.value("/delta/text"_json_pointer, "");
      if (data.value("type", "") != "message_stop") out.last = data;
    }
    return out;
  }
  double z_of(const watermark::Windows& windows) const {
    return watermark::detect(marks_.key->derive(marks_.label), watermark::Mark(), windows).z;
  }

  std::atomic<uint64_t> drafts_{0};
  watermark::TestLanguage language_{3};
};

TEST_F(Marks, GivesTheDraftThatCarriesMostAndKeepsTheEvidence) {
  write_drafts();
  start(policy("{rung: mark, drafts: 4}"));
  ask();
  EXPECT_EQ(drafts_, 1u);  // of one that is not marked there is one
  label_hostile();
  drafts_ = 0;
  watermark::Windows windows(2);
  for (int i = 0; i < 30; ++i) {
    const auto given = nlohmann::json::parse(ask().payload);
    ASSERT_EQ(given["choices"].size(), 1u);
    EXPECT_EQ(given["usage"]["completion_tokens"], 100);  // of the draft that was given
    windows.add_text(given["choices"][0]["message"]["content"].get<std::string>(), "");
  }
  EXPECT_EQ(drafts_, 120u);
  EXPECT_GT(z_of(windows), 4);  // theory for equal answers: 5.6
  const auto kept = evidence([](const auto& e) { return e.marks.size() == 1 && e.marks[0].answers == 30; });
  EXPECT_EQ(kept.marks[0].label, "epoch:1");
  EXPECT_EQ(kept.marks[0].unmarked, 0u);
  EXPECT_TRUE(kept.marks[0].accounts.contains(account_));
  const std::string metrics = admin("GET", "/metrics").payload;
  EXPECT_THAT(metrics, HasSubstr("stillwatch_marked_answers_total{mark=\"watermark\"} 30\n"));
  EXPECT_THAT(metrics, HasSubstr("stillwatch_drafts_total 120\n"));
  EXPECT_THAT(metrics, HasSubstr("stillwatch_draft_tokens_total{of=\"made\"} 12000\n"));
  EXPECT_THAT(metrics, HasSubstr("stillwatch_draft_tokens_total{of=\"given\"} 3000\n"));
  EXPECT_THAT(admin("DELETE", "/api/v1/accounts/" + account_).raw, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(evidence([](const auto&) { return true; }).marks[0].accounts.empty());
}

TEST_F(Marks, ACampaignIsMarkedByAKeyOfItsOwnThroughAllMembers) {
  watermark::Evidence kept;
  Marker marker(
      marks_, [] { return base::Time{}; },
      [&](const EvidenceLine& line) { return static_cast<bool>(kept.read(line.line, "notes")); });
  watermark::Windows windows(2);
  for (int i = 0; i < 30; ++i) {
    std::vector<std::string> bodies;
    for (int draft = 0; draft < 4; ++draft) {
      base::Random random(++drafts_);
      const nlohmann::json message = {{"role", "assistant"}, {"content", language_.text(80, random)}};
      bodies.push_back(nlohmann::json{{"choices", {{{"index", 0}, {"message", message}}}}}.dump());
    }
    const auto given = marker.choose(i % 2 == 0 ? "a" : "b", *marker.subject_of("a", "c"), bodies);
    ASSERT_TRUE(given);
    windows.add_text(nlohmann::json::parse(given->body)["choices"][0]["message"]["content"].get<std::string>(), "");
    // What one member was given carries nothing for another.
    if (i == 0) {
      EXPECT_EQ(marker.choose("b", *marker.subject_of("b", "c"), bodies)->selection.scores[given->selection.chosen], 0);
    }
  }
  EXPECT_LT(z_of(windows), 4);
  EXPECT_GT(watermark::detect(marks_.key->derive("campaign:c"), watermark::Mark(), windows).z, 4);
  ASSERT_EQ(kept.marks.size(), 1u);
  EXPECT_EQ(kept.marks[0].label, "campaign:c");
  EXPECT_EQ(kept.marks[0].answers, 31u);
  EXPECT_EQ(kept.marks[0].accounts, (std::set<std::string>{"a", "b"}));
}

TEST_F(Marks, AsksForSentencesWhereTheUpstreamContinuesAnAnswer) {
  write_sentences();
  start(policy("{rung: mark, drafts: 4}"));
  label_hostile();
  drafts_ = 0;
  watermark::Windows windows(2);
  size_t sentences = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string text = nlohmann::json::parse(ask().payload)["choices"][0]["message"]["content"];
    windows.add_text(text, "");
    sentences += static_cast<size_t>(std::count(text.begin(), text.end(), '.'));
  }
  EXPECT_GT(sentences, 40u);
  EXPECT_EQ(drafts_, 4 * sentences);
  EXPECT_GT(z_of(windows), 4);
  EXPECT_EQ(evidence([](const auto& e) { return !e.marks.empty() && e.marks[0].answers == 10; }).marks[0].unmarked, 0u);
  EXPECT_THAT(admin("GET", "/metrics").payload, HasSubstr(fmt::format("stillwatch_drafts_total {}\n", 4 * sentences)));
}

constexpr std::string_view kStreamed =
    R"({"messages":[{"role":"user","content":"Go on."}],"stream":true,"stream_options":{"include_usage":true}})";

TEST_F(Marks, StreamsEachSentenceAsItIsChosen) {
  std::promise<void> first_read;
  const auto read = first_read.get_future().share();
  std::atomic<int> waited{0};
  // The upstream makes no second sentence before the client has the first.
  write_sentences([&, read](std::string_view before) {
    if (!before.empty()) waited += read.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    return true;
  });
  start(policy("{rung: mark, drafts: 4}"));
  label_hostile();
  drafts_ = 0;
  Client client(gateway_->port());
  client.send(request(kStreamed));
  ASSERT_TRUE(client.wait_for(".\"}"));
  EXPECT_EQ(drafts_, 4u);
  first_read.set_value();
  const Message m = client.receive();
  EXPECT_GT(waited, 0);
  EXPECT_THAT(m.raw, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(m.payload, testing::EndsWith("data: [DONE]\n\n"));
  const Told chat = told(m.payload);
  const auto sentences = std::count(chat.text.begin(), chat.text.end(), '.');
  EXPECT_GT(sentences, 3);
  EXPECT_EQ(drafts_, 4 * static_cast<uint64_t>(sentences));
  EXPECT_EQ(chat.last["usage"]["completion_tokens"], 15 * sentences);
  EXPECT_THAT(m.payload, HasSubstr("\"finish_reason\":\"stop\""));
  const Told messages = told(ask(kStreamed, "/v1/messages").payload);
  EXPECT_GT(messages.text.size(), 300u);
  EXPECT_EQ(messages.last["delta"]["stop_reason"], "end_turn");
  EXPECT_EQ(messages.last["usage"]["output_tokens"], 15 * std::count(messages.text.begin(), messages.text.end(), '.'));
  evidence([](const auto& e) { return !e.marks.empty() && e.marks[0].answers == 2; });
}

TEST_F(Marks, CutsAStreamOfSentencesThatCannotGoOn) {
  write_sentences([](std::string_view before) { return before.size() < 150; });
  start(policy("{rung: mark, drafts: 2}"));
  label_hostile();
  const Message m = ask(kStreamed);
  EXPECT_GT(told(m.payload).text.size(), 100u);
  EXPECT_THAT(m.payload, Not(HasSubstr("[DONE]")));
  EXPECT_THAT(m.raw, Not(testing::EndsWith("0\r\n\r\n")));
  // What it was given is evidence all the same, and the next request is served.
  evidence([](const auto& e) { return !e.marks.empty() && e.marks[0].answers == 1; });
  EXPECT_GT(told(ask(kStreamed).payload).text.size(), 100u);
}

TEST_F(Marks, AskForNoMoreSentencesOfAClientThatLeft) {
  std::promise<void> left;
  const auto gone = left.get_future().share();
  write_sentences([gone](std::string_view before) {
    if (!before.empty()) gone.wait_for(std::chrono::seconds(20));
    return true;
  });
  start(policy("{rung: mark, drafts: 2}"));
  label_hostile();
  drafts_ = 0;
  {
    Client client(gateway_->port());
    client.send(request(kStreamed, "/v1/messages"));
    ASSERT_TRUE(client.wait_for("text_delta"));
  }
  // It is noticed within a second or two, and what it has read is evidence.
  evidence([](const auto& e) { return !e.marks.empty() && e.marks[0].answers == 1; });
  left.set_value();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(drafts_, 4u);
}

TEST_F(Marks, StreamsTheDraftToWhoAskedForAStream) {
  write_drafts();
  marks_.upstream_n = true;
  start(policy("{rung: mark, drafts: 3}, {rung: strip}"));
  label_hostile();
  const int before = static_cast<int>(drafts_);
  const Message m = ask(kStreamed);
  EXPECT_THAT(m.raw, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(m.raw, Not(HasSubstr("application/json")));
  EXPECT_THAT(m.payload, testing::EndsWith("data: [DONE]\n\n"));
  EXPECT_THAT(m.payload, HasSubstr("\"usage\":{"));
  EXPECT_EQ(static_cast<int>(drafts_), before + 3);
  EXPECT_THAT(upstream_.received(), HasSubstr("\"n\":3"));
  EXPECT_THAT(upstream_.received(), Not(HasSubstr("\"stream\":true")));
}

TEST_F(Marks, WhatCannotCarryAMarkPassesAndIsCounted) {
  start(policy("{rung: mark}"));
  label_hostile();
  const std::string cold = R"({"messages":[{"role":"user","content":"Name three rivers."}],"temperature":0})";
  EXPECT_EQ(ask(cold).payload, kAnswer);
  EXPECT_EQ(ask(kPrompt, "/v1/embeddings").payload, kAnswer);
  const std::string same = ask().payload;  // every draft is kAnswer
  EXPECT_EQ(nlohmann::json::parse(same), nlohmann::json::parse(kAnswer));
  const std::string broad = R"({"messages":[{"role":"user","content":")" + std::string(200'000, 'x') + R"("}]})";
  EXPECT_EQ(ask(broad).payload, kAnswer);
  const std::string metrics = admin("GET", "/metrics").payload;
  for (const char* why :
       {"temperature 0", "neither chat completions nor messages", "drafts that are the same", "a long request"})
    EXPECT_THAT(metrics, HasSubstr(fmt::format("stillwatch_unmarked_answers_total{{why=\"{}\"}} 1\n", why)));
  EXPECT_THAT(metrics, HasSubstr("stillwatch_marked_answers_total{mark=\"watermark\"} 0\n"));
}

TEST_F(Marks, WithoutDraftsTheRequestGoesOnAsEver) {
  std::atomic<int> calls{0};
  reply_ = [&](const Message&) -> std::string {
    // The four drafts: none; refused; broken; encoded.
    switch (calls++) {
      case 1:
        return "";
      case 2:
        return "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
      case 3:
        return "garbage\r\n\r\n";
      case 4:
        return "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc";
      default:
        return answer(kAnswer);
    }
  };
  start(policy("{rung: mark}"));
  label_hostile();
  EXPECT_EQ(ask().payload, kAnswer);
  EXPECT_EQ(calls, 6);
  EXPECT_THAT(admin("GET", "/metrics").payload,
              HasSubstr("stillwatch_unmarked_answers_total{why=\"no drafts from the upstream\"} 1\n"));
}

TEST_F(Marks, CanariesGoIntoStoriesAndNowhereElse) {
  const std::string story =
      "Once upon a time a little fox lived at the edge of a great forest, and every morning she went down to the river "
      "to look at the boats that came from the sea. She knew the names of all of them.\\n\\nOne day she went along.";
  const std::string told = R"({"choices":[{"index":0,"message":{"content":")" + story + R"("}}]})";
  reply_ = [&](const Message&) { return answer(told); };
  start(policy("{rung: mark, what: [canary]}"));
  label_hostile();
  EXPECT_EQ(ask().payload, told);
  const std::string asked = R"({"messages":[{"role":"user","content":"Tell me a story about a fox."}]})";
  const std::string given = ask(asked).payload;
  EXPECT_EQ(ask(asked).payload, given);  // asking again tells nothing
  const auto kept = evidence([](const auto& e) { return e.pools.size() == 1 && e.pools[0].issued.size() == 1; });
  const watermark::CanaryPool pool(marks_.key->derive(marks_.pool), marks_.pool_size);
  EXPECT_EQ(kept.pools[0].hash, pool.hash());
  const auto& [index, accounts] = *kept.pools[0].issued.begin();
  EXPECT_TRUE(accounts.contains(account_));
  std::string without = nlohmann::json::parse(given)["choices"][0]["message"]["content"];
  const std::string sentence = pool[index].sentence() + "\n\n";
  ASSERT_NE(without.find(sentence), without.npos) << without;
  without.erase(without.find(sentence), sentence.size());
  EXPECT_EQ(without, nlohmann::json::parse(told)["choices"][0]["message"]["content"]);
  EXPECT_THAT(admin("GET", "/metrics").payload, HasSubstr("stillwatch_marked_answers_total{mark=\"canary\"} 2\n"));
  EXPECT_EQ(admin("GET", "/api/v1/evidence?after=99999").payload, "");
  EXPECT_THAT(admin("GET", "/api/v1/evidence?after=x").raw, StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace stillwatch::gateway
