// What the gateway knows, kept across restarts in DATA-DIR/stillwatch.db (docs/formats/store.md): subjects as they were
// when last saved, a journal of the features observed since, findings and which of them nobody was told of yet, labels.
// What was put into answers is kept as evidence, and which challenges were redeemed. No text of any exchange, but the
// redacted samples that an operator asked for.
//
// Thread rule: restore() before other threads; everything else from any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/alerts.h"
#include "gateway/exemplars.h"
#include "gateway/proofs.h"
#include "pipeline/pipeline.h"
#include "store/database.h"

namespace stillwatch::gateway {

// A stretch of observed exchanges, numbered from 1 since the store was made.
struct Journal {
  uint64_t first = 1;
  uint64_t count = 0;
  std::string records;  // one after the other: account, organisation, features/record.h

  void add(std::string_view account, std::string_view organization, const features::Features& f);
  uint64_t last() const { return first + count - 1; }
};

enum class About : uint8_t { kAccount, kCampaign };  // as the store has it

struct Finding {
  std::string account;  // or campaign
  base::Time time{};
  std::string body;  // JSON, report/json.h
  About about = About::kAccount;

  // The same for the same finding, whoever asks, and telling nothing of the account.
  std::string id() const;
};

class Archive {
 public:
  static base::Result<std::unique_ptr<Archive>> open(const std::string& path);

  // Gives a new pipeline what was kept; the number of the last exchange that it then has observed. Of profiles, no more
  // are in memory at any time than the pipeline's bound.
  base::Result<uint64_t> restore(pipeline::Pipeline& pipeline);
  // An account as it was last saved; "" if it is not there.
  base::Result<std::string> subject(std::string_view account);
  // subject() of an archive while it is open.
  static pipeline::Pipeline::Fetch fetch_from(const std::shared_ptr<Archive>& archive);
  base::Result<verdict::Labels> labels();
  base::Result<std::vector<Finding>> findings();
  // Findings that sinks were not told of, with these sinks (alerts.h).
  base::Result<std::vector<std::pair<Finding, Sinks>>> untold();
  base::Result<std::vector<Exemplar>> exemplars(std::string_view account = "");  // "": of all
  base::Result<std::vector<pipeline::CampaignFinding>> campaigns();              // flagged ones

  using Saved = std::pair<uint64_t, pipeline::SavedSubject>;  // with the exchange as of which it is
  struct Changes {
    Journal journal;
    std::vector<Saved> subjects;
    std::vector<Finding> findings;
    Sinks to_tell = 0;  // of these findings
    std::vector<std::pair<std::string, Sinks>> told;
    std::vector<Exemplar> exemplars;  // exemplars.h
    std::vector<EvidenceLine> evidence;
    std::optional<std::vector<std::string>> campaigns;  // JSON, report/json.h: all that are flagged, if they changed
    uint64_t journal_done = 0;                          // up to this exchange all subjects are saved
  };
  // All of it or nothing.
  base::Result<void> commit(const Changes& changes);

  // Up to about `bytes_max` of the lines of evidence behind number `after`, in the order in which they were noted;
  // `after` becomes the number of the last.
  base::Result<std::string> evidence(uint64_t& after, size_t bytes_max);
  base::Result<void> put_redeemed(const Redeemed& redeemed);
  base::Result<std::vector<Redeemed>> redeemed();
  base::Result<void> put_approval(const Approval& approval, base::Time time);
  base::Result<Approval> last_approval();  // of nothing, if there was none

  base::Result<void> put_label(std::string_view account, const verdict::Label& label);
  // Removes every trace, the journal's included, and overwrites it; false if there was none.
  base::Result<bool> forget(std::string_view account);
  base::Result<void> forget_exemplars(std::string_view account);
  // Removes subjects not seen, and findings and exemplars not made, since then; the names of the subjects.
  base::Result<std::vector<std::string>> expire(base::Time subjects_since, base::Time findings_since,
                                                base::Time exemplars_since);

 private:
  explicit Archive(store::Database database) : database_(std::move(database)) {}
  base::Result<bool> remove(std::string_view table, std::string_view account);
  base::Result<void> forget_in_campaigns(std::string_view account, bool& found);
  base::Result<void> forget_in_journal(std::string_view account, bool& found);
  base::Result<void> put_subjects(const std::vector<Saved>& subjects);
  base::Result<void> put_findings(const Changes& changes);
  base::Result<void> put_evidence(const std::vector<EvidenceLine>& lines);
  base::Result<std::vector<pipeline::CampaignFinding>> read_campaigns();
  // Writes and removes what differs from what is there.
  base::Result<void> put_campaigns(const std::vector<std::string>& campaigns);
  base::Result<void> put_exemplars(const std::vector<Exemplar>& exemplars);
  base::Result<void> save_changed(pipeline::Pipeline& pipeline, uint64_t exchange);

  std::mutex mutex_;
  store::Database database_;
  std::optional<store::Statement> subject_;  // after the database: it goes first
};

}  // namespace stillwatch::gateway
