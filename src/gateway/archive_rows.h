// Rows and records of the archive's tables, for those who read them. Private to the module.
#pragma once

#include "base/limits.h"
#include "features/record.h"
#include "store/database.h"

namespace stillwatch::gateway {

// Calls each(statement) for every row of what is bound, or until that fails.
template <typename Each>
base::Result<void> for_each_row(store::Statement& statement, Each each) {
  while (true) {
    const auto row = statement.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    if (base::Result<void> ok = each(statement); !ok) return ok;
  }
}

template <typename Each>
base::Result<void> for_each_row(store::Database& database, std::string_view sql, Each each) {
  auto statement = database.prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  return for_each_row(*statement, each);
}

// An exchange of the journal.
struct JournalRecord {
  std::string_view account;  // "" if it was forgotten
  std::string_view organization;
  features::Features features;

  bool read(base::Reader& in) {
    account = in.text(base::kIdentityBytesMax);
    organization = in.text(base::kIdentityBytesMax);
    return features::read(in, features);
  }
};

inline tl::unexpected<base::Error> damaged_journal() {
  return base::fail(base::ErrorCode::kInput,
                    "the store's journal is damaged: put a copy of stillwatch.db back, or move it away to begin anew");
}

}  // namespace stillwatch::gateway
