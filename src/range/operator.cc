#include "range/operator.h"

#include <algorithm>

#include "base/random.h"
#include "dialect/log_format.h"
#include "features/features.h"
#include "population/simulation.h"

namespace stillwatch::range {
namespace {

using base::Result;
using base::Time;

// Log lines and exchanges into one pipeline, as the scanner does it.
class Eyes {
 public:
  explicit Eyes(std::shared_ptr<const signals::Baseline> baseline) : pipeline_(std::move(baseline), {}, {}) {}

  void see(const dialect::Exchange& e) {
    features::Features f = extractor_.extract(e);
    if (pipeline_.follow(e.account, f)) pipeline_.observe(e.account, e.organization, f);
  }
  // Each exchange of the line, `before` first.
  template <typename Before>
  Result<void> see_line(std::string_view line, const Before& before) {
    const auto parsed = parser_.parse(line, [&](const dialect::Exchange& e) {
      before(e.time);
      see(e);
    });
    if (!parsed) return tl::unexpected(parsed.error());
    return {};
  }
  pipeline::Pipeline& pipeline() { return pipeline_; }

 private:
  dialect::LogParser parser_{dialect::LogFormat::kExchange};
  features::FeatureExtractor extractor_;
  pipeline::Pipeline pipeline_;
};

template <typename Before>
Result<void> see_all(Eyes& eyes, const population::Config& config, const population::Prompts& prompts,
                     const Before& before) {
  auto simulation = population::Simulation::start(config, prompts, {});
  if (!simulation) return tl::unexpected(simulation.error());
  for (std::string line; simulation->next(line);) {
    if (auto ok = eyes.see_line(line, before); !ok) return ok;
  }
  return {};
}

std::vector<Time> moments(Time start, size_t count, const Schedule& schedule) {
  constexpr double kDayMs = 86'400'000;
  base::Random random(schedule.seed);
  std::vector<Time> times;
  for (size_t i = 0; i < count; ++i) {
    const double day = schedule.first_day + schedule.days * random.uniform();
    times.push_back(start + std::chrono::milliseconds(static_cast<int64_t>(day * kDayMs)));
  }
  std::sort(times.begin(), times.end());
  return times;
}

dialect::Exchange exchange_of(const Bought& bought, Time time) {
  dialect::Exchange e;
  e.time = time;
  e.account = kHarvester;
  e.network = "198.51.100.7";
  e.client = "stillwatch";
  e.model = "teacher";
  e.turns = {{dialect::Role::kUser, bought.question}};
  e.has_response = true;
  e.answer = bought.answer;
  e.reasoning = bought.reasoning;
  e.prompt_tokens = static_cast<int64_t>(bought.prompt_tokens);
  e.output_tokens = static_cast<int64_t>(bought.output_tokens);
  return e;
}

}  // namespace

Result<std::shared_ptr<const signals::Baseline>> learn_honest(const population::Config& config,
                                                              const population::Prompts& prompts) {
  Eyes eyes(nullptr);
  if (auto ok = see_all(eyes, config, prompts, [](Time) {}); !ok) return tl::unexpected(ok.error());
  auto baseline = eyes.pipeline().calibrate();
  if (!baseline) return tl::unexpected(baseline.error());
  return std::make_shared<const signals::Baseline>(std::move(*baseline));
}

Result<Seen> watch(const population::Config& config, const population::Prompts& prompts,
                   std::shared_ptr<const signals::Baseline> baseline, std::span<const Bought> bought,
                   const Schedule& schedule) {
  Eyes eyes(std::move(baseline));
  const std::vector<Time> times = moments(config.start, bought.size(), schedule);
  size_t next = 0;
  const auto harvest_until = [&](Time time) {
    for (; next < bought.size() && times[next] <= time; ++next) eyes.see(exchange_of(bought[next], times[next]));
  };
  if (auto ok = see_all(eyes, config, prompts, harvest_until); !ok) return tl::unexpected(ok.error());
  harvest_until(Time::max());

  pipeline::Findings findings = eyes.pipeline().findings();
  Seen seen;
  seen.baseline = findings.baseline.name;
  for (pipeline::AccountFinding& f : findings.ranked) {
    if (f.account == kHarvester) {
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
