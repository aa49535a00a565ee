// What the mark rung puts into answers, and the evidence of it: which canary an account is given, which of several
// drafts carries most of the mark. Private to the module.
//
// Keys and the pool of canaries come from the master key, by label; a campaign that is marked as one has a key of its
// own, of the label `campaign:NAME`, and no window of it is given twice, whichever member asks. Evidence is noted
// before anybody relies on it: that a key marks, or a pool is used, before the first answer. Thread rule: all methods
// from any thread. Bounds: given windows of kMarkedSubjectsMax accounts and campaigns; of one that was pushed out,
// windows are scored again.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/recent.h"
#include "countermeasure/drafts.h"
#include "gateway/gateway.h"
#include "gateway/proofs.h"
#include "watermark/canary.h"
#include "watermark/select.h"

namespace stillwatch::gateway {

constexpr size_t kMarkedSubjectsMax = 256;

struct MarkCounts {
  std::atomic<uint64_t> watermarked{0};    // answers
  std::atomic<uint64_t> canaries{0};       // answers
  std::atomic<uint64_t> drafts{0};         // of answers that were watermarked
  std::atomic<uint64_t> tokens_made{0};    // output tokens of these, as told
  std::atomic<uint64_t> tokens_given{0};   // of the drafts that were given
  std::atomic<uint64_t> drafting_ms{0};    // waited for all drafts
  std::atomic<uint64_t> evidence_lost{0};  // lines that could not be kept
  std::atomic<uint64_t> under_way{0};      // answers whose drafts are being made
};

class Marker {
 public:
  // False if the line is lost.
  using Note = std::function<bool(EvidenceLine)>;
  // REQUIRES: settings.key.
  Marker(const MarkSettings& settings, std::function<base::Time()> now, Note note);

  bool upstream_n() const { return upstream_n_; }

  bool upstream_continues() const { return upstream_continues_; }

  struct GivenCanary {
    uint32_t index = 0;
    std::string sentence;  // "": none, the request asks for no story
  };
  GivenCanary canary_for(std::string_view account, std::string_view request) const;
  void canary_was_given(std::string_view account, uint32_t index);

  // An account, or a campaign, what marks it and what it was given; the latter under the lock.
  struct Subject {
    Subject(std::string by, const watermark::Key& key) : label(std::move(by)), selector(key, watermark::Mark()) {}
    const std::string label;
    const watermark::DraftSelector selector;
    std::mutex mutex;
    watermark::GivenWindows given;
  };
  // `campaign`: as which the account is marked, or "".
  std::shared_ptr<Subject> subject_of(std::string_view account, std::string_view campaign);
  // Of the bodies that the upstream gave: fails if none is an answer.
  base::Result<countermeasure::GivenDraft> choose(std::string_view account, Subject& subject,
                                                  std::span<const std::string> bodies);
  // Keeps that it is marked, and how: before the first of what is given goes out.
  void note_mark(const Subject& subject);
  // Counts what the account is given, and keeps the evidence.
  void note(std::string_view account, const Subject& subject, const countermeasure::GivenDraft& given);

  void count_unmarked(std::string_view why);  // a literal
  std::map<std::string_view, uint64_t> unmarked() const;
  MarkCounts& counts() { return counts_; }

 private:
  void keep(std::string_view account, std::string line);

  const watermark::MasterKey key_;
  const std::string label_, pool_label_;
  const watermark::CanaryPool pool_;
  const size_t canaries_;
  const bool upstream_n_, upstream_continues_;
  std::function<base::Time()> now_;
  Note note_;
  MarkCounts counts_;

  mutable std::mutex mutex_;
  std::set<std::string> marks_noted_;  // labels
  bool pool_noted_ = false;
  std::set<std::pair<std::string, uint32_t>, std::less<>> noted_;  // canaries that are in the evidence
  base::Recent<std::shared_ptr<Subject>> subjects_{kMarkedSubjectsMax};
  std::map<std::string_view, uint64_t> unmarked_;
};

}  // namespace stillwatch::gateway
