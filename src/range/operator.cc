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

// One account distils, and no other takes over from it.
Result<void> check_harvest(const population::Config& config) {
  uint64_t accounts = 0;
  for (const population::Group& g : config.groups) {
    if (g.kind == population::Class::kHarvest) accounts += g.replaced_after > 0 ? 2 : g.accounts;
  }
  if (accounts == 1) return {};
  return base::fail(base::ErrorCode::kInput,
                    "the range watches one account that distils: this traffic needs one group `class: harvest`, "
                    "`accounts: 1`, never replaced");
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
  if (auto ok = check_harvest(config); !ok) return tl::unexpected(ok.error());
  auto simulation = population::Simulation::start(config, prompts, {});
  if (!simulation) return tl::unexpected(simulation.error());
  pipeline::Pipeline pipeline(std::move(baseline), {}, {});
  Seen seen;
  uint64_t asked = 0;
  std::string harvester;
  size_t known = 0;  // of the truths, which come as accounts do
  const auto edit = [&](dialect::Exchange& e) {
    for (const auto& truths = simulation->truths(); known < truths.size(); ++known) {
      if (truths[known].hostile) harvester = truths[known].account;
    }
    if (e.account != harvester) return;
    ++asked;
    const auto due = static_cast<size_t>(share * static_cast<double>(asked));
    if (seen.bought_at.size() >= std::min(due, bought.size())) return;
    replace(e, bought[seen.bought_at.size()]);
    seen.bought_at.push_back(asked);
  };
  if (auto ok = see_all(pipeline, *simulation, edit); !ok) return tl::unexpected(ok.error());

  std::map<std::string, std::string_view> classes;
  for (const population::Truth& truth : simulation->truths()) classes[truth.account] = truth.kind;
  pipeline::Findings findings = pipeline.findings();
  for (pipeline::AccountFinding& f : findings.ranked) {
    if (f.account == harvester) {
      seen.harvester = std::move(f);
      continue;
    }
    ++seen.honest_accounts;
    seen.honest_exchanges += f.exchanges;
    seen.honest_judged += f.verdict != verdict::Verdict::kInsufficient;
    seen.honest_flagged += f.flagged;
    Seen::Class& alike = seen.honest_classes[std::string(classes[f.account])];
    ++alike.accounts;
    alike.flagged += f.flagged;
  }
  return seen;
}

}  // namespace stillwatch::range
