#include "countermeasure/answer_stream.h"

#include <gmock/gmock.h>

#include <vector>

namespace stillwatch::countermeasure {
namespace {

using testing::ElementsAre;

struct Outcome {
  std::vector<std::string> seen;
  std::string out;
};

Outcome run(std::string_view text, size_t piece, const AnswerStream::Editor& editor) {
  Outcome r;
  AnswerStream stream;
  const auto note = [&](AnswerEvent& event) {
    r.seen.push_back(std::string(event.name) + "|" + std::string(event.data));
    editor(event);
  };
  for (size_t at = 0; at < text.size(); at += piece) stream.pass(text.substr(at, piece), note, r.out);
  stream.finish(note, r.out);
  return r;
}

constexpr std::string_view kEvents =
    ": hello\n\nevent: a\ndata: 1\n\ndata:2\r\ndata: 3\r\n\r\nid: 7\ndata: 4\n\nevent: end\ndata: [DONE]\n\ndata: last";

TEST(AnswerStream, PassesByteForByteWhatNobodyEdits) {
  for (size_t piece = 1; piece <= kEvents.size(); ++piece) {
    const Outcome r = run(kEvents, piece, [](AnswerEvent&) {});
    ASSERT_EQ(r.out, kEvents) << piece;
    ASSERT_THAT(r.seen, ElementsAre("a|1", "|2\n3", "|4", "end|[DONE]", "|last"));
  }
}

TEST(AnswerStream, EditsDropsAndInserts) {
  const auto editor = [](AnswerEvent& e) {
    if (e.data == "1") e.set_data("one\ntwo");
    if (e.data == "2\n3") e.set_data("23");
    if (e.data == "4") e.drop = true;
    if (e.data == "[DONE]") e.before = "data: new\n\n";
  };
  for (const size_t piece : {1u, 3u, 1000u}) {
    EXPECT_EQ(
        run(kEvents, piece, editor).out,
        ": hello\n\nevent: a\ndata: one\ndata: two\n\ndata: 23\n\r\ndata: new\n\nevent: end\ndata: [DONE]\n\ndata: "
        "last");
  }
}

TEST(AnswerStream, TakesADocumentWhole) {
  const std::string document = "\n{\"a\":\n\n1}\n";
  for (const size_t piece : {1u, 4u, 100u}) {
    EXPECT_THAT(run(document, piece, [](AnswerEvent&) {}).seen, ElementsAre("|" + document));
    EXPECT_EQ(run(document, piece, [](AnswerEvent& e) { e.set_data("{}"); }).out, "{}");
  }
}

TEST(AnswerStream, BreaksOffWhatIsTooLarge) {
  AnswerStream stream;
  std::string out;
  const AnswerStream::Editor none = [](AnswerEvent&) {};
  stream.pass("data: 1\n\ndata: ", none, out);
  const std::string chunk(1 << 20, 'x');
  for (int i = 0; i < 12; ++i) stream.pass(chunk, none, out);
  EXPECT_TRUE(stream.broken());
  stream.pass("\n\ndata: 2\n\n", none, out);
  stream.finish(none, out);
  EXPECT_EQ(out, "data: 1\n\n");
}

TEST(AnswerStream, LinesAreDocumentsEach) {
  const std::string lines = "{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}";
  for (size_t cut = 0; cut <= lines.size(); ++cut) {
    AnswerStream stream(true);
    std::string out;
    std::vector<std::string> seen;
    const auto editor = [&](AnswerEvent& e) {
      EXPECT_TRUE(stream.of_documents());
      seen.emplace_back(e.data);
      if (e.data == "{\"a\":2}\r") e.set_data("{}");
    };
    stream.pass(std::string_view(lines).substr(0, cut), editor, out);
    stream.pass(std::string_view(lines).substr(cut), editor, out);
    stream.finish(editor, out);
    EXPECT_EQ(out, "{\"a\":1}\n\n{}\n{\"a\":3}") << cut;
    EXPECT_EQ(seen.size(), 4u) << cut;
  }
}

TEST(AnswerStream, OtherFilesPassHoweverLong) {
  AnswerStream stream(true);
  const std::string piece(1u << 20, 'x');
  std::string out;
  for (int i = 0; i < 12; ++i)
    stream.pass(
        piece, [](AnswerEvent&) { FAIL(); }, out);
  stream.finish([](AnswerEvent&) { FAIL(); }, out);
  EXPECT_EQ(out.size(), 12u << 20);
  EXPECT_FALSE(stream.broken());
}

}  // namespace
}  // namespace stillwatch::countermeasure
