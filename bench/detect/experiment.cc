#include "experiment.h"

#include <unordered_map>

#include "dialect/log_format.h"

namespace stillwatch::bench {

base::Result<std::vector<Observed>> observe(const population::Config& config, const population::Prompts& prompts,
                                            const population::Timing& timing) {
  auto simulation = population::Simulation::start(config, prompts, timing);
  if (!simulation) return tl::unexpected(simulation.error());
  struct Subject {
    pipeline::Watch watch;
    std::vector<pipeline::Seen> seen;
  };
  std::unordered_map<std::string, Subject> subjects;
  dialect::LogParser parser(dialect::LogFormat::kExchange);
  features::FeatureExtractor extractor;
  std::string line;
  const auto sink = [&](const dialect::Exchange& e) {
    Subject& subject = subjects[std::string(e.account)];
    if (auto seen = subject.watch.observe(extractor.extract(e))) subject.seen.push_back(std::move(*seen));
  };
  while (simulation->next(line)) {
    if (auto ok = parser.parse(line, sink); !ok) return tl::unexpected(ok.error());
  }
  std::vector<Observed> all;
  for (const population::Truth& truth : simulation->truths()) {
    all.push_back({truth, std::move(subjects[truth.account].seen)});
  }
  return all;
}

}  // namespace stillwatch::bench
