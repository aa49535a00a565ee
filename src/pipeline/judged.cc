#include "pipeline/judged.h"

#include <algorithm>

namespace stillwatch::pipeline {

void Judged::add(const Seen& seen, const signals::Baseline& baseline, double threshold) {
  const signals::Judgement judgement = baseline.judge(*seen.sighting);
  const signals::Evidence evidence = baseline.weigh(judgement.score);
  if (!flagged && evidence.p_value <= threshold) flagged = static_cast<uint32_t>(looks.size());
  looks.push_back({seen.time, seen.exchanges, evidence.score, evidence.p_value});
  if (!strongest) {
    strongest = std::make_unique<signals::Judgement>(judgement);
  } else if (judgement.score > strongest->score) {
    *strongest = judgement;
  }
}

Tally Tally::of(const profile::Profile& profile) {
  const profile::Summary& now = profile.current();
  const profile::Summary* past = profile.past();
  const auto tally = [](uint64_t exchanges, uint64_t failed, int64_t first_ms, int64_t last_ms, double distinct,
                        uint64_t meaningful, uint64_t tokens, size_t cells) {
    return Tally{
        exchanges,
        failed,
        base::from_ms(first_ms),
        base::from_ms(last_ms),
        {std::min(distinct, static_cast<double>(meaningful)), tokens, static_cast<double>(cells) / features::kCells}};
  };
  if (past == nullptr) {
    return tally(now.exchanges, now.failed, now.first_ms, now.last_ms, now.prompts.estimate(), now.meaningful,
                 now.output_tokens, now.cells.nonzero());
  }
  auto prompts = now.prompts;
  prompts.merge(past->prompts);
  auto cells = now.cells;
  cells.merge_add(past->cells);
  const bool both = now.exchanges > 0 && past->exchanges > 0;
  return tally(now.exchanges + past->exchanges, now.failed + past->failed,
               both ? std::min(now.first_ms, past->first_ms) : now.first_ms + past->first_ms,
               both ? std::max(now.last_ms, past->last_ms) : now.last_ms + past->last_ms, prompts.estimate(),
               now.meaningful + past->meaningful, now.output_tokens + past->output_tokens, cells.nonzero());
}

}  // namespace stillwatch::pipeline
