// What the gateway knows, kept across restarts in DATA-DIR/stillwatch.db (docs/formats/store.md): subjects as they were
// when last saved, a journal of the features observed since, findings, labels. No text of any exchange.
//
// Thread rule: one thread at a time.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

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

struct Finding {
  std::string account;
  base::Time time{};
  std::string body;  // JSON, report/json.h

  // The same for the same finding, whoever asks, and telling nothing of the account.
  std::string id() const;
};

class Archive {
 public:
  static base::Result<Archive> open(const std::string& path);

  // Gives a new pipeline what was kept; the number of the last exchange that it then has observed.
  base::Result<uint64_t> restore(pipeline::Pipeline& pipeline);
  base::Result<verdict::Labels> labels();
  base::Result<std::vector<Finding>> findings();

  struct Changes {
    Journal journal;
    std::vector<std::pair<uint64_t, pipeline::SavedSubject>> subjects;  // with the exchange as of which they are
    std::vector<Finding> findings;
    uint64_t journal_done = 0;  // up to this exchange all subjects are saved
  };
  // All of it or nothing.
  base::Result<void> commit(const Changes& changes);

  base::Result<void> put_label(std::string_view account, const verdict::Label& label);
  // Removes every trace, the journal's included, and overwrites it; false if there was none.
  base::Result<bool> forget(std::string_view account);
  // Removes subjects not seen and findings not made since then; the names of the subjects.
  base::Result<std::vector<std::string>> expire(base::Time subjects_since, base::Time findings_since);

 private:
  explicit Archive(store::Database database) : database_(std::move(database)) {}
  base::Result<void> forget_in_journal(std::string_view account, bool& found);

  store::Database database_;
};

}  // namespace stillwatch::gateway
