#include "population/cast.h"

#include <fmt/format.h>

#include <array>

namespace stillwatch::population {
namespace {

template <size_t N>
std::string_view any(const std::array<std::string_view, N>& items, base::Random& random) {
  return items[random.below(N)];
}

constexpr std::array<std::string_view, 14> kClients = {"OpenAI/Python 1.51.0",
                                                       "OpenAI/Python 1.40.6",
                                                       "OpenAI/JS 4.67.1",
                                                       "OpenAI/JS 4.52.0",
                                                       "anthropic-python/0.36.0",
                                                       "AsyncOpenAI/Python 1.47",
                                                       "langchain/0.3.1",
                                                       "litellm/1.48.2",
                                                       "python-requests/2.32.3",
                                                       "node-fetch/3.3.2",
                                                       "okhttp/4.12.0",
                                                       "Go-http-client/2.0",
                                                       "axios/1.7.7",
                                                       "curl/8.9.1"};

constexpr std::array<std::string_view, 40> kWords = {
    "river",  "market", "number", "winter", "signal", "garden", "result", "engine", "letter", "method",
    "island", "record", "season", "window", "margin", "branch", "copper", "doctor", "family", "ground",
    "harbor", "income", "kernel", "lumber", "memory", "notice", "object", "parcel", "reason", "sample",
    "tunnel", "update", "valley", "weight", "yellow", "zenith", "anchor", "bridge", "column", "detail"};

constexpr std::array<std::string_view, 12> kSyllables = {"ra",  "lo",  "mi",  "tek", "sor", "va",
                                                         "dun", "pel", "qui", "zan", "fo",  "ber"};

constexpr std::array<std::string_view, kFrames> kFrameTexts = {
    "Task for today:\\n\\n{}\\n\\nDeliver the complete solution only.",
    "Below is one item of our collection. Work on it as well as you can.\\n\\nItem: {}\\n\\nSolution:",
    "### Question\\n{}\\n### Reply",
    "A colleague wants to know: {}\\nBe thorough and leave nothing out.",
    "Please handle this request with full detail.\\nRequest: {}",
    "{}\\n\\n(Answer in full, no preamble.)"};

}  // namespace

std::string client_of(base::Random& random) {
  return std::string(any(kClients, random));
}

std::string address_of(base::Random& random) {
  return fmt::format("{}.{}.{}.{}", 11 + random.below(180), random.below(256), random.below(256),
                     1 + random.below(254));
}

std::string address_in(std::string_view network, base::Random& random) {
  return fmt::format("{}.{}", network.substr(0, network.rfind('.')), 1 + random.below(254));
}

std::string model_of(uint64_t which) {
  constexpr std::array<std::string_view, 4> kModels = {"atlas-large", "atlas-small", "atlas-large-2", "atlas-mini"};
  return std::string(kModels[which % kModels.size()]);
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
  return kFrameTexts[which % kFrames];
}

std::string filler(size_t words, base::Random& random) {
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) text += i % 12 == 0 ? ". " : " ";
    text += any(kWords, random);
  }
  return text;
}

Repository::Repository(base::Random& random) {
  for (std::string& name : names) {
    name = fmt::format("{}{}_{}{}", any(kSyllables, random), any(kSyllables, random), any(kSyllables, random),
                       any(kSyllables, random));
  }
}

std::string Repository::task(base::Random& random) const {
  const auto name = [&] { return names[random.below(std::size(names))]; };
  constexpr std::array<std::string_view, 10> kTasks = {"the test of {0} fails since {1} changed, please look",
                                                       "please rename {0} to {1} everywhere",
                                                       "why does {0} call {1} twice?",
                                                       "we need a flag in {0} so that {1} can be skipped",
                                                       "{0} is slow when {1} is large",
                                                       "{0}.py is too long, move the parts about {1} out",
                                                       "now the same for {0}",
                                                       "I get a KeyError in {0} after {1}",
                                                       "a test of {0} with an empty {1} is missing",
                                                       "looks good, next do {0} and {1}"};
  return fmt::format(fmt::runtime(any(kTasks, random)), name(), name());
}

std::string Repository::tool_result(base::Random& random) const {
  std::string text;
  const uint64_t lines = 8 + random.below(50);
  for (uint64_t i = 0; i < lines; ++i) {
    const auto name = [&] { return names[random.below(std::size(names))]; };
    switch (random.below(4)) {
      case 0:
        text += fmt::format("def {}({}, {}):\\n", name(), name(), name());
        break;
      case 1:
        text += fmt::format("    {} = {}({})\\n", name(), name(), random.below(1000));
        break;
      case 2:
        text += fmt::format("    if {} is None: return {}\\n", name(), name());
        break;
      default:
        text += fmt::format("    self.{}.append({}[{}])\\n", name(), name(), random.below(20));
    }
  }
  return text;
}

}  // namespace stillwatch::population
