#include "distill/on_policy.h"

#include <algorithm>

#include "base/hash.h"
#include "base/random.h"

namespace stillwatch::distill {

OnPolicy::OnPolicy(OnPolicySettings settings, model::ChatTemplate marks, model::Tokenizer tokenizer,
                   const std::vector<model::Example>& examples, Told told)
    : settings_(settings),
      marks_(std::move(marks)),
      tokenizer_(std::move(tokenizer)),
      examples_(examples),
      told_(std::move(told)) {}

base::Result<std::optional<std::vector<model::Example>>> OnPolicy::renew(uint64_t step, std::span<const uint64_t> rows,
                                                                         training::Network& network) {
  const uint64_t seed = base::combine(settings_.seed, step);
  if (!base::Random(seed).chance(settings_.share)) {
    if (told_) {
      if (auto ok = told_(nullptr); !ok) return tl::unexpected(ok.error());
    }
    return std::nullopt;
  }
  const auto context = static_cast<size_t>(network.config().context);
  std::vector<std::vector<int32_t>> prompts;
  for (const uint64_t row : rows) {
    const model::Example& e = examples_[row];
    const auto first = std::find(e.scored.begin(), e.scored.end(), true) - e.scored.begin();
    if (first > 0 && static_cast<size_t>(first) < context)
      prompts.emplace_back(e.tokens.begin(), e.tokens.begin() + first);
  }
  const model::Transformer transformer(network.config(), network.weights());
  AnswerOptions options;
  options.tokens_max = settings_.tokens_max;
  options.at_once = 256;
  options.threads = settings_.threads;
  options.temperature = settings_.temperature;
  options.seed = seed;
  const auto answers = answer_all(transformer, marks_, tokenizer_, prompts, options);
  if (!answers) return tl::unexpected(answers.error());
  std::vector<model::Example> out(prompts.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].tokens = std::move(prompts[i]);
    out[i].scored.assign(out[i].tokens.size(), false);
    for (const model::Choice& c : (*answers)[i].tokens) {
      out[i].tokens.push_back(c.token);
      out[i].scored.push_back(true);
      ++tokens_made_;
    }
  }
  if (told_) {
    if (auto ok = told_(&out); !ok) return tl::unexpected(ok.error());
  }
  return out;
}

}  // namespace stillwatch::distill
