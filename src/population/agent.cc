#include "population/agent.h"

#include <fmt/format.h>

#include "population/wording.h"

namespace stillwatch::population {
namespace {

constexpr std::array<std::string_view, 12> kSyllables = {"ra",  "lo",  "mi",  "tek", "sor", "va",
                                                         "dun", "pel", "qui", "zan", "fo",  "ber"};
constexpr std::string_view kReadFile = "read_file";
constexpr std::string_view kRunTests = "run_tests";

std::string syllables(base::Random& random) {
  return fmt::format("{}{}", kSyllables[random.below(kSyllables.size())], kSyllables[random.below(kSyllables.size())]);
}

}  // namespace

Agent::Agent(base::Random& random) {
  for (std::string& name : names_) name = syllables(random) + "_" + syllables(random);
  system_ = fmt::format("Work in the repository {}. Read before you write, keep changes small.", names_[0]);
}

std::string Agent::task(base::Random& random) const {
  constexpr std::array<std::string_view, 14> kTasks = {"the test of {0} fails since {1} changed, please look",
                                                       "please rename {0} to {1} everywhere",
                                                       "why does {0} call {1} twice?",
                                                       "we need a flag in {0} so that {1} can be skipped",
                                                       "{0} is slow when {1} is large",
                                                       "{0}.py is too long, move the parts about {1} out",
                                                       "now the same for {0}",
                                                       "I get a KeyError in {0} after {1}",
                                                       "a test of {0} with an empty {1} is missing",
                                                       "looks good, next do {0} and {1}",
                                                       "we agreed that {0} must not import {1}, clean that up",
                                                       "{0} should log what {1} returns when it is odd",
                                                       "is {0} still used by anything but {1}? if not, drop it",
                                                       "the build warns about {0}, line {2}"};
  return fmt::format(fmt::runtime(kTasks[random.below(kTasks.size())]), name(random), name(random), random.below(900));
}

std::string Agent::file(base::Random& random) const {
  std::string text;
  const uint64_t lines = 8 + random.below(50);
  for (uint64_t i = 0; i < lines; ++i) {
    switch (random.below(4)) {
      case 0:
        text += fmt::format("def {}({}, {}):\\n", name(random), name(random), name(random));
        break;
      case 1:
        text += fmt::format("    {} = {}({})\\n", name(random), name(random), random.below(1000));
        break;
      case 2:
        text += fmt::format("    if {} is None: return {}\\n", name(random), name(random));
        break;
      default:
        text += fmt::format("    self.{}.append({}[{}])\\n", name(random), name(random), random.below(20));
    }
  }
  return text;
}

std::string Agent::test_run(base::Random& random) const {
  const uint64_t failed = random.below(3);
  std::string text;
  for (uint64_t i = 0; i < failed; ++i) {
    text += fmt::format("FAILED test_{}.py::test_{} - AssertionError: {} != {}\\n", name(random), name(random),
                        random.below(100), random.below(100));
  }
  return text + fmt::format("{} failed, {} passed in {}.{}s\\n", failed, 3 + random.below(80), random.below(30),
                            random.below(10));
}

void Agent::forget_oldest() {
  while (history_.size() > kAgentTurnsMax) {
    // What is left must begin with a person's turn: no API takes a tool's result without its call.
    do {
      history_.pop_front();
    } while (!history_.empty() && history_.front().who != Speaker::kUser);
  }
}

void Agent::next(const Timing& timing, base::Random& random, Request& request) {
  if (left_ == 0) {
    left_ = 4 + static_cast<uint32_t>(random.below(30));
    history_.clear();
  }
  if (history_.empty() || history_.back().tool.empty()) {
    history_.push_back({Speaker::kUser, task(random), {}});
  } else {
    const std::string_view tool = history_.back().tool;
    history_.push_back({Speaker::kTool, tool == kReadFile ? file(random) : test_run(random), tool});
  }
  forget_oldest();
  if (history_.empty()) history_.push_back({Speaker::kUser, task(random), {}});
  request.system = system_;
  request.offers_tools = true;
  for (const Turn& turn : history_) request.turns.push_back({turn.who, turn.text, turn.tool});
  request.answer_tokens = timing.code(random);
  constexpr double kCalls = 0.7;  // answers that call a tool
  if (random.chance(kCalls)) {
    const std::string_view tool = random.chance(0.75) ? kReadFile : kRunTests;
    history_.push_back({Speaker::kAssistant, fmt::format("{}/{}.py", names_[0], name(random)), tool});
  } else {
    constexpr uint32_t kFillerWordsMax = 60;
    history_.push_back({Speaker::kAssistant, filler(std::min(request.answer_tokens, kFillerWordsMax), random), {}});
  }
  request.answer = {Speaker::kAssistant, history_.back().text, history_.back().tool};
  request.continues = --left_ > 0;
  request.gap_ms = 3'000 + random.exponential(15'000);
}

}  // namespace stillwatch::population
