#include "population/wording.h"

#include <fmt/format.h>

#include <array>

namespace stillwatch::population {
namespace {

template <size_t N>
std::string_view any(const std::array<std::string_view, N>& items, base::Random& random) {
  return items[random.below(N)];
}

constexpr std::array<std::string_view, 40> kWords = {
    "river",  "market", "number", "winter", "signal", "garden", "result", "engine", "letter", "method",
    "island", "record", "season", "window", "margin", "branch", "copper", "doctor", "family", "ground",
    "harbor", "income", "kernel", "lumber", "memory", "notice", "object", "parcel", "reason", "sample",
    "tunnel", "update", "valley", "weight", "yellow", "zenith", "anchor", "bridge", "column", "detail"};

constexpr std::array<std::string_view, kFrames> kFrameTexts = {
    "Task for today:\\n\\n{}\\n\\nDeliver the complete solution only.",
    "Below is one item of our collection. Work on it as well as you can.\\n\\nItem: {}\\n\\nSolution:",
    "### Question\\n{}\\n### Reply",
    "A colleague wants to know: {}\\nBe thorough and leave nothing out.",
    "Please handle this request with full detail.\\nRequest: {}",
    "{}\\n\\n(Answer in full, no preamble.)",
    "[begin]\\n{}\\n[end]\\nYour reply goes to print, so polish it.",
    "Ticket text: {}\\nResolve the ticket.",
    "Somebody wrote: \\\"{}\\\" What would an excellent reply be?",
    "{}\\n--\\nLong replies are welcome, examples too.",
    "For the handbook, chapter by chapter, we need this one next: {}",
    "Input >>> {}\\nOutput >>>"};

}  // namespace

std::string_view model_of(bool pivoted) {
  return pivoted ? "atlas-large-2" : "atlas-large";
}

std::string bot_system_prompt(base::Random& random) {
  return fmt::format("This is the help desk of {} {}. Reply briefly, kindly and only about {} and {}.",
                     any(kWords, random), any(kWords, random), any(kWords, random), any(kWords, random));
}

std::string labelling_instruction(base::Random& random) {
  constexpr std::array<std::string_view, 5> kAsks = {
      "Decide which class the text belongs to. Classes: {0}, {1}, {2}. Reply with the class only.\\n\\nText: ",
      "Does the passage speak of {0} or of {1}? One word.\\n\\nPassage: ",
      "Label for our archive ({0} / {1} / {2} / other):\\n",
      "Tone of this note: positive, negative or neutral? Our teams {0} and {1} need one word.\\n---\\n",
      "Is it about {0}? yes/no\\n"};
  return fmt::format(fmt::runtime(any(kAsks, random)), any(kWords, random), any(kWords, random), any(kWords, random));
}

std::string_view frame(size_t which) {
  return kFrameTexts[which];
}

std::string filler(size_t words, base::Random& random) {
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) text += i % 12 == 0 ? ". " : " ";
    text += any(kWords, random);
  }
  return text;
}

}  // namespace stillwatch::population
