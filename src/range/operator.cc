#include "range/operator.h"

#include "dialect/log_format.h"
#include "features/features.h"
#include "population/simulation.h"

namespace stillwatch::range {
namespace {

using base::Result;

// A simulation's log lines into one pipeline, as the scanner does it. `edit` may change an exchange first.
template <typename Edit>
Result<void> see_all(pipeline::Pipeline& pipeline, population::Simulation& simulation, const Edit& edit) {
  dialect::LogParser parser(dialect::LogFormat::kExchange);
  features::FeatureExtractor extractor;
  for (std::string line; simulation.next(line);) {
    const auto parsed = parser.parse(line, [&](const dialect::Exchange& given) {
      dialect::Exchange e = given;
      edit(e);
      features::Features f = extractor.extract(e);
      if (pipeline.follow(e.account, f)) pipeline.observe(e.account, e.organization, f);
    });
    if (!parsed) return tl::unexpected(parsed.error());
  }
  return {};
}

void replace(dialect::Exchange& e, const Bought& bought) {
  e.turns = {{dialect::Role::kUser, bought.question}};
  e.system = {};
  e.answer = bought.answer;
  e.reasoning = bought.reasoning;
  e.sampling.logprobs = true;
  e.prompt_tokens = static_cast<int64_t>(bought.prompt_tokens);
  e.output_tokens = static_cast<int64_t>(bought.output_tokens());
}

// The account that distils; nothing unless there is one, alone.
Result<std::string> harvester_of(const population::Simulation& simulation) {
  std::string name;
  for (const population::Truth& truth : simulation.truths()) {
    if (!truth.hostile) continue;
    if (!name.empty())
      return base::fail(base::ErrorCode::kInput, "the range watches one account that distils: this traffic has more");
    name = truth.account;
  }
  if (name.empty())
    return base::fail(base::ErrorCode::kInput,
                      "no account of this traffic distils: give it a group `class: harvest`, `accounts: 1`");
  return name;
}

}  // namespace

Result<std::shared_ptr<const signals::Baseline>> learn_honest(const population::Config& config,
                                                              const population::Prompts& prompts) {
  auto simulation = population::Simulation::start(config, prompts, {});
  if (!simulation) return tl::unexpected(simulation.error());
  pipeline::Pipeline pipeline(nullptr, {}, {});
  if (auto ok = see_all(pipeline, *simulation, [](const dialect::Exchange&) {}); !ok) return tl::unexpected(ok.error());
  auto baseline = pipeline.calibrate();
  if (!baseline) return tl::unexpected(baseline.error());
  return std::make_shared<const signals::Baseline>(std::move(*baseline));
}

Result<Seen> watch(const population::Config& config, const population::Prompts& prompts,
                   std::shared_ptr<const signals::Baseline> baseline, std::span<const Bought> bought, double share) {
  auto first = population::Simulation::start(config, prompts, {});
  if (!first) return tl::unexpected(first.error());
  for (std::string line; first->next(line);) continue;
  const auto harvester = harvester_of(*first);
  if (!harvester) return tl::unexpected(harvester.error());

  auto simulation = population::Simulation::start(config, prompts, {});
  if (!simulation) return tl::unexpected(simulation.error());
  pipeline::Pipeline pipeline(std::move(baseline), {}, {});
  Seen seen;
  uint64_t asked = 0;
  const auto edit = [&](dialect::Exchange& e) {
    if (e.account != *harvester) return;
    ++asked;
    const auto due = static_cast<size_t>(share * static_cast<double>(asked));
    if (seen.bought_at.size() >= std::min(due, bought.size())) return;
    replace(e, bought[seen.bought_at.size()]);
    seen.bought_at.push_back(asked);
  };
  if (auto ok = see_all(pipeline, *simulation, edit); !ok) return tl::unexpected(ok.error());

  pipeline::Findings findings = pipeline.findings();
  for (pipeline::AccountFinding& f : findings.ranked) {
    if (f.account == *harvester) {
      seen.harvester = std::move(f);
      continue;
    }
    ++seen.honest_accounts;
    seen.honest_exchanges += f.exchanges;
    seen.honest_judged += f.verdict != verdict::Verdict::kInsufficient;
    seen.honest_flagged += f.flagged;
  }
  return seen;
}

}  // namespace stillwatch::range
