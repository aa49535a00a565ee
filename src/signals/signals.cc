#include "signals/signals.h"

namespace stillwatch::signals {

const SignalInfo& info_of(Signal signal) {
  static constexpr std::array<SignalInfo, kSignals> kInfo = {{
      {"shift", "distance from the crowd", "MMD"},
      {"off_crowd", "distance where honest accounts do not differ", "MMD"},
      {"spread", "variety of prompts", "1 - kernel"},
      {"coverage", "areas covered per 20 exchanges", "areas"},
      {"evenness", "chance that two prompts are of different areas", "probability"},
      {"novelty", "prompts never repeated", "log2 distinct / all"},
      {"phrase_novelty", "phrases never repeated", "log2 distinct / all"},
      {"template", "prompts that open alike", "log2 probability"},
      {"slot_novelty", "fixed frame around fresh content", "product"},
      {"reasoning", "asks for reasoning", "share"},
      {"grading", "asks for grades", "share"},
      {"generation", "asks for data", "share"},
      {"persona", "gives the model a part", "share"},
      {"trajectory", "tool trajectories", "share"},
      {"probing", "asks for rules and limits", "share"},
      {"instruction", "begins with an order", "share"},
      {"impersonal", "never mentions the writer", "share"},
      {"unconversational", "leans on nothing said before", "share"},
      {"single_turn", "single questions without history", "share"},
      {"answer_length", "length of answers", "log2 tokens"},
      {"yield", "answer tokens for a word of prompt", "log2 ratio"},
      {"length_uniform", "prompts alike in length", "log2 words"},
      {"well_formed", "prompts in perfect form", "share"},
      {"sampling", "uncommon sampling parameters", "share"},
      {"rhythm", "activity spread over the week", "entropy"},
      {"endurance", "active hours a day", "hours"},
      {"client_uniform", "one client, one network", "log2"},
  }};
  return kInfo[static_cast<size_t>(signal)];
}

}  // namespace stillwatch::signals
