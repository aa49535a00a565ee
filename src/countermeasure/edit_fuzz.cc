// Any bytes as an answer, through the stripping of reasoning and the insertion of a canary: cut anywhere it must come
// out like the whole, and what holds no JSON must pass as it is. The first byte says how long the pieces are.
#include <cstdint>
#include <cstdlib>

#include "countermeasure/canary_insert.h"
#include "countermeasure/drafts.h"
#include "countermeasure/reasoning.h"
#include "countermeasure/sentences.h"
#include "countermeasure/to_stream.h"

namespace {

namespace cm = stillwatch::countermeasure;

std::string stripped(std::string_view bytes, size_t piece, bool summarise) {
  cm::ReasoningStripper stripper(summarise);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    stripper.pass(bytes.substr(at, piece), out);
    if (stripper.awaits_summary()) stripper.resume("a summary", out);
  }
  stripper.finish(out);
  if (stripper.awaits_summary()) stripper.resume("a summary", out);
  return out;
}

std::string inserted(std::string_view bytes, size_t piece) {
  cm::CanaryInserter inserter("Far away in Quenmere, Torvi Bellsand kept a lamp lit.");
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) inserter.pass(bytes.substr(at, piece), out);
  inserter.finish(out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = data[0] % 16 + 1u;
  const std::string whole = stripped(bytes, bytes.size(), false);
  if (whole != stripped(bytes, piece, false)) std::abort();
  static_cast<void>(stripped(bytes, piece, true));
  if (inserted(bytes, bytes.size()) != inserted(bytes, piece)) std::abort();
  if (bytes.find('{') == bytes.npos && whole != bytes) std::abort();
  const std::string body(bytes);
  static_cast<void>(cm::plan_drafts(bytes, 3, (data[0] & 16) != 0));
  static_cast<void>(cm::to_stream(bytes, true));
  stillwatch::watermark::GivenWindows given;
  const stillwatch::watermark::DraftSelector selector(stillwatch::watermark::control_key(1), {});
  static_cast<void>(cm::choose_draft({&body, 1}, selector, given));
  // As a request, and as what comes to one.
  static_cast<void>(cm::Sentences(bytes, 2, cm::AnswerKind::kChatCompletions).requests());
  cm::Sentences sentences(R"({"messages":[{"role":"user","content":"?"}]})", 2, cm::AnswerKind::kMessages);
  stillwatch::watermark::SentenceSelector by(selector, given);
  while (!sentences.finished() && sentences.add({&body, 1}, by)) static_cast<void>(sentences.requests());
  if (sentences.finished()) static_cast<void>(sentences.given());
  return 0;
}
