// What people want of the archive about one account: labels and samples, and that it be forgotten.
#include <fmt/format.h>

#include "gateway/archive.h"
#include "gateway/archive_rows.h"
#include "gateway/campaign_ledger.h"
#include "report/json.h"

namespace stillwatch::gateway {

using base::Result;
using store::Statement;

Result<verdict::Labels> Archive::labels() {
  const std::lock_guard lock(mutex_);
  std::string lines;
  const auto ok = for_each_row(database_, "SELECT line FROM labels", [&](Statement& row) -> Result<void> {
    lines += row.bytes(0);
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  return verdict::Labels::parse(lines, "labels of the store");
}

Result<void> Archive::put_label(std::string_view account, const verdict::Label& label) {
  const std::lock_guard lock(mutex_);
  auto upsert = database_.prepare("INSERT OR REPLACE INTO labels VALUES(?, ?)");
  if (!upsert) return tl::unexpected(upsert.error());
  const std::string line = verdict::Labels::format(account, label);
  return upsert->bind(0, account).bind(1, line).run();
}

Result<std::vector<std::string>> Archive::expire(base::Time subjects_since, base::Time findings_since,
                                                 base::Time exemplars_since) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> gone;
  const auto ok = database_.transaction([&]() -> Result<void> {
    auto expired = database_.prepare("DELETE FROM subjects WHERE last_seen < ? RETURNING account");
    if (!expired) return tl::unexpected(expired.error());
    expired->bind(0, base::to_ms(subjects_since));
    auto removed = for_each_row(*expired, [&](Statement& row) -> Result<void> {
      gone.emplace_back(row.bytes(0));
      return {};
    });
    if (!removed) return removed;
    for (const std::string& account : gone) {
      if (const auto samples = remove("exemplars", account); !samples) return tl::unexpected(samples.error());
    }
    return database_.run(
        fmt::format("DELETE FROM findings WHERE time < {0}; DELETE FROM exemplars WHERE time < {1};"
                    "DELETE FROM alerts WHERE account NOT IN (SELECT account FROM findings);"
                    "DELETE FROM redeemed WHERE max(expires, until) < {2}",
                    base::to_ms(findings_since), base::to_ms(exemplars_since), base::to_ms(subjects_since)));
  });
  if (!ok) return tl::unexpected(ok.error());
  return gone;
}

// True if there were any.
Result<bool> Archive::remove(std::string_view table, std::string_view account) {
  auto statement = database_.prepare(fmt::format("DELETE FROM {} WHERE account = ? RETURNING 1", table));
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(0, account);
  bool found = false;
  const auto ok = for_each_row(*statement, [&](Statement&) -> Result<void> {
    found = true;
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  return found;
}

Result<bool> Archive::forget(std::string_view account) {
  const std::lock_guard lock(mutex_);
  bool found = false;
  const auto ok = database_.transaction([&]() -> Result<void> {
    for (const char* table : {"subjects", "findings", "labels", "alerts", "exemplars", "evidence", "redeemed"}) {
      const auto removed = remove(table, account);
      if (!removed) return tl::unexpected(removed.error());
      found = found || *removed;
    }
    if (auto campaigns = forget_in_campaigns(account, found); !campaigns) return campaigns;
    return forget_in_journal(account, found);
  });
  if (!ok) return tl::unexpected(ok.error());
  if (auto emptied = database_.checkpoint(); !emptied) return tl::unexpected(emptied.error());
  return found;
}

Result<void> Archive::forget_exemplars(std::string_view account) {
  const std::lock_guard lock(mutex_);
  if (const auto removed = remove("exemplars", account); !removed) return tl::unexpected(removed.error());
  return database_.checkpoint();
}

Result<std::vector<Exemplar>> Archive::exemplars(std::string_view account) {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare(
      "SELECT account, key, time, text FROM exemplars WHERE length(?1) = 0 OR account = ?1 ORDER BY time");
  if (!select) return tl::unexpected(select.error());
  select->bind(0, account);
  std::vector<Exemplar> out;
  const auto ok = for_each_row(*select, [&](Statement& row) -> Result<void> {
    out.push_back({std::string(row.bytes(0)), static_cast<uint64_t>(row.number(1)), base::from_ms(row.number(2)),
                   std::string(row.bytes(3))});
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Archive::forget_in_campaigns(std::string_view account, bool& found) {
  auto campaigns = read_campaigns();
  if (!campaigns) return tl::unexpected(campaigns.error());
  CampaignLedger ledger(std::move(*campaigns));
  if (!ledger.forget(account)) return {};
  found = true;
  std::vector<std::string> left;
  for (const pipeline::CampaignFinding& c : ledger.known()) left.push_back(report::campaign_json(c));
  return put_campaigns(left);
}

// Its records become records of nobody: the numbers of the others stay.
Result<void> Archive::forget_in_journal(std::string_view account, bool& found) {
  std::vector<std::pair<int64_t, Journal>> changed;
  auto ok =
      for_each_row(database_, "SELECT last_exchange, count, records FROM journal", [&](Statement& row) -> Result<void> {
        base::Reader in(row.bytes(2));
        Journal kept;
        bool here = false;
        for (int64_t i = 0; i < row.number(1); ++i) {
          JournalRecord r;
          if (!r.read(in)) return damaged_journal();
          const bool its = r.account == account;
          here = here || its;
          kept.add(its ? "" : r.account, its ? "" : r.organization, its ? features::Features() : r.features);
        }
        if (here) changed.emplace_back(row.number(0), std::move(kept));
        return {};
      });
  if (!ok) return ok;
  found = found || !changed.empty();
  for (const auto& [last, journal] : changed) {
    auto update = database_.prepare("UPDATE journal SET records = ? WHERE last_exchange = ?");
    if (!update) return tl::unexpected(update.error());
    if (ok = update->bind(0, journal.records).bind(1, last).run(); !ok) return ok;
  }
  return {};
}

}  // namespace stillwatch::gateway
