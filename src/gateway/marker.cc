#include "gateway/marker.h"

#include <algorithm>

#include "base/hash.h"
#include "countermeasure/canary_insert.h"
#include "dialect/body.h"
#include "watermark/evidence.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kNotedMax = 1'000'000;  // beyond it what was noted may be noted again, which says nothing new

// What the user asked last.
std::string last_prompt(std::string_view request) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (parser.parse(request.data(), request.size()).get(json) != simdjson::SUCCESS) return {};
  dialect::Arena arena;
  dialect::Exchange exchange;
  if (!dialect::read_request(json, arena, exchange)) return {};
  const auto last = std::find_if(exchange.turns.rbegin(), exchange.turns.rend(),
                                 [](const dialect::Turn& t) { return t.role == dialect::Role::kUser; });
  return last != exchange.turns.rend() ? std::string(last->text) : std::string();
}

}  // namespace

Marker::Marker(const MarkSettings& settings, std::function<base::Time()> now, Note note)
    : key_(*settings.key),
      label_(settings.label),
      pool_label_(settings.pool),
      pool_(settings.key->derive(settings.pool), settings.pool_size),
      canaries_(std::min(settings.canaries, settings.pool_size)),
      upstream_n_(settings.upstream_n),
      upstream_continues_(settings.upstream_continues),
      now_(std::move(now)),
      note_(std::move(note)) {}

void Marker::keep(std::string_view account, std::string line) {
  if (!note_({std::string(account), std::move(line)})) ++counts_.evidence_lost;
}

Marker::GivenCanary Marker::canary_for(std::string_view account, std::string_view request) const {
  if (!countermeasure::asks_for_story(last_prompt(request))) return {};
  // The same request gets the same one: asking again tells nobody which words are put in.
  const auto own = pool_.of_account(account, canaries_);
  const uint32_t index = own[base::hash64(request) % own.size()];
  return {index, pool_[index].sentence()};
}

void Marker::canary_was_given(std::string_view account, uint32_t index) {
  ++counts_.canaries;
  const std::lock_guard lock(mutex_);
  if (!pool_noted_) keep("", watermark::pool_line(now_(), pool_label_, pool_.size(), pool_.hash()));
  pool_noted_ = true;
  if (noted_.size() >= kNotedMax) noted_.clear();
  if (noted_.emplace(account, index).second)
    keep(account, watermark::canary_line(now_(), account, pool_.hash(), index));
}

std::shared_ptr<Marker::Subject> Marker::subject_of(std::string_view account, std::string_view campaign) {
  const std::string label = campaign.empty() ? label_ : "campaign:" + std::string(campaign);
  const uint64_t name = base::hash64(campaign.empty() ? account : label);
  const std::lock_guard lock(mutex_);
  if (const auto* known = subjects_.find(name)) return *known;
  return subjects_.put(name, std::make_shared<Subject>(label, key_.derive(label)));
}

base::Result<countermeasure::GivenDraft> Marker::choose(std::string_view account, Subject& subject,
                                                        std::span<const std::string> bodies) {
  base::Result<countermeasure::GivenDraft> given;
  {
    const std::lock_guard lock(subject.mutex);
    given = countermeasure::choose_draft(bodies, subject.selector, subject.given);
  }
  if (given) note(account, subject, *given);
  return given;
}

void Marker::note(std::string_view account, const Subject& subject, const countermeasure::GivenDraft& given) {
  counts_.drafts += given.drafts;
  counts_.tokens_made += given.tokens_made;
  counts_.tokens_given += given.tokens_given;
  const watermark::DraftSketch& sketch = given.selection.sketch;
  if (sketch.distinct_drafts() < 2) {
    count_unmarked("drafts that are the same");
  } else {
    ++counts_.watermarked;
  }
  note_mark(subject);
  const std::lock_guard lock(mutex_);
  keep(account, watermark::answer_line(now_(), account, subject.selector.key(), sketch));
}

void Marker::note_mark(const Subject& subject) {
  const watermark::DraftSelector& by = subject.selector;
  const std::lock_guard lock(mutex_);
  if (marks_noted_.size() >= kNotedMax) marks_noted_.clear();
  if (marks_noted_.insert(subject.label).second)
    keep("", watermark::mark_line(now_(), subject.label, by.key(), by.mark(), watermark::Units::kWords));
}

void Marker::count_unmarked(std::string_view why) {
  const std::lock_guard lock(mutex_);
  ++unmarked_[why];
}

std::map<std::string_view, uint64_t> Marker::unmarked() const {
  const std::lock_guard lock(mutex_);
  return unmarked_;
}

}  // namespace stillwatch::gateway
