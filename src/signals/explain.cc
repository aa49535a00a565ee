#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "signals/score.h"

namespace stillwatch::signals {
namespace {

double percent(double share) {
  return 100 * std::clamp(share, 0.0, 1.0);
}

std::string shares(std::string_view what, double value, double typical) {
  return fmt::format("{:.0f} % of prompts {} (typical: {:.0f} %)", percent(value), what, percent(typical));
}

}  // namespace

std::string explain(Signal signal, double value, double typical) {
  switch (signal) {
    case Signal::kShift:
      return fmt::format("prompts are {:.2f} from what the crowd asks (typical: {:.2f})", value,
                         std::max(0.0, typical));
    case Signal::kOffCrowd:
      return fmt::format("prompts are {:.2f} from the crowd where honest accounts do not differ (typical: {:.2f})",
                         value, std::max(0.0, typical));
    case Signal::kSpread:
      return fmt::format("any two prompts differ by {:.2f} of 1 (typical: {:.2f})", value, typical);
    case Signal::kCoverage:
      return fmt::format("any 20 exchanges touch {:.1f} areas of the capability map (typical: {:.1f})", value, typical);
    case Signal::kEvenness:
      return fmt::format("two exchanges are of different areas with {:.0f} % chance (typical: {:.0f} %)",
                         percent(value), percent(typical));
    case Signal::kNovelty:
      return shares("are distinct", std::exp2(value), std::exp2(typical));
    case Signal::kPhraseNovelty:
      return fmt::format("{:.0f} % of five-word phrases are new (typical: {:.0f} %)", percent(std::exp2(value)),
                         percent(std::exp2(typical)));
    case Signal::kTemplate:
      return fmt::format("two prompts open or close with the same words with {:.1f} % chance (typical: {:.1f} %)",
                         percent(std::exp2(value) - 1.0 / 256), percent(std::exp2(typical) - 1.0 / 256));
    case Signal::kSlotNovelty:
      return fmt::format("a fixed frame around fresh content: {:.2f} of 1 (typical: {:.2f})", value,
                         std::max(0.0, typical));
    case Signal::kReasoning:
      return shares("ask to see the reasoning", value, typical);
    case Signal::kGrading:
      return shares("ask for grades or comparisons", value, typical);
    case Signal::kGeneration:
      return shares("ask for questions, examples or data", value, typical);
    case Signal::kPersona:
      return shares("give the model a part to play", value, typical);
    case Signal::kTrajectory:
      return shares("ask for traces of tool use", value, typical);
    case Signal::kProbing:
      return shares("ask for the model's rules and limits", value, typical);
    case Signal::kInstruction:
      return shares("begin with an order", value, typical);
    case Signal::kImpersonal:
      return shares("never mention the writer", value, typical);
    case Signal::kUnconversational:
      return shares("lean on nothing said before", value, typical);
    case Signal::kSingleTurn:
      return shares("are single questions without history", value, typical);
    case Signal::kAnswerLength:
      return fmt::format("answers are about {:.0f} tokens long (typical: {:.0f})", std::exp2(value),
                         std::exp2(typical));
    case Signal::kYield:
      return fmt::format("each word of prompt draws {:.1f} tokens of answer (typical: {:.1f})", std::exp2(value),
                         std::exp2(typical));
    case Signal::kLengthUniform:
      return fmt::format("prompt lengths vary by a factor of {:.1f} (typical: {:.1f})", std::exp2(-value),
                         std::exp2(-typical));
    case Signal::kWellFormed:
      return shares("start with a capital and end with a full stop", value, typical);
    case Signal::kSampling:
      return fmt::format("{:.0f} % of requests set uncommon sampling parameters (typical: {:.0f} %)", percent(value),
                         percent(typical));
    case Signal::kRhythm:
      return fmt::format("activity fills {:.0f} % of the week evenly (typical: {:.0f} %)", percent(value),
                         percent(typical));
    case Signal::kEndurance:
      return fmt::format("active {:.1f} hours on an active day (typical: {:.1f})", value, typical);
    case Signal::kClientUniform:
      return fmt::format("about {:.0f} clients times networks (typical: {:.0f}); corroborates only", std::exp2(-value),
                         std::exp2(-typical));
  }
  return {};
}

}  // namespace stillwatch::signals
