#include "gateway/archive.h"
#include "gateway/archive_rows.h"

namespace stillwatch::gateway {

using base::Result;
using store::Statement;

Result<void> Archive::put_evidence(const std::vector<EvidenceLine>& lines) {
  if (lines.empty()) return {};
  auto insert = database_.prepare("INSERT INTO evidence(account, line) VALUES(?, ?)");
  if (!insert) return tl::unexpected(insert.error());
  for (const EvidenceLine& e : lines) {
    if (auto ok = insert->bind(0, e.account).bind(1, e.line).run(); !ok) return ok;
  }
  return {};
}

Result<std::string> Archive::evidence(uint64_t& after, size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  auto select = database_.prepare("SELECT number, line FROM evidence WHERE number > ? ORDER BY number");
  if (!select) return tl::unexpected(select.error());
  select->bind(0, static_cast<int64_t>(after));
  std::string lines;
  while (lines.size() < bytes_max) {
    const auto row = select->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    after = static_cast<uint64_t>(select->number(0));
    lines += select->bytes(1);
  }
  return lines;
}

Result<void> Archive::put_redeemed(const Redeemed& r) {
  const std::lock_guard lock(mutex_);
  auto insert = database_.prepare("INSERT OR REPLACE INTO redeemed VALUES(?, ?, ?, ?)");
  if (!insert) return tl::unexpected(insert.error());
  const std::string_view nonce(reinterpret_cast<const char*>(r.challenge.nonce.data()), r.challenge.nonce.size());
  insert->bind(0, nonce).bind(1, r.challenge.account).bind(2, base::to_ms(r.challenge.expires));
  return insert->bind(3, base::to_ms(r.until)).run();
}

Result<std::vector<Redeemed>> Archive::redeemed() {
  const std::lock_guard lock(mutex_);
  std::vector<Redeemed> out;
  const auto ok = for_each_row(
      database_, "SELECT nonce, account, expires, until FROM redeemed", [&](Statement& row) -> Result<void> {
        Redeemed r;
        const std::string_view nonce = row.bytes(0);
        std::copy_n(nonce.begin(), std::min(nonce.size(), r.challenge.nonce.size()), r.challenge.nonce.begin());
        r.challenge.account = row.bytes(1);
        r.challenge.expires = base::from_ms(row.number(2));
        r.until = base::from_ms(row.number(3));
        out.push_back(std::move(r));
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Archive::put_approval(const Approval& a, base::Time time) {
  const std::lock_guard lock(mutex_);
  auto insert = database_.prepare("INSERT OR REPLACE INTO approvals VALUES(?, ?, ?, ?)");
  if (!insert) return tl::unexpected(insert.error());
  insert->bind(0, base::to_ms(time)).bind(1, static_cast<int64_t>(a.policy));
  return insert->bind(2, static_cast<int64_t>(a.accounts)).bind(3, a.who).run();
}

Result<Approval> Archive::last_approval() {
  const std::lock_guard lock(mutex_);
  Approval last;
  const auto ok = for_each_row(
      database_, "SELECT policy, accounts, who FROM approvals ORDER BY time DESC LIMIT 1",
      [&](Statement& row) -> Result<void> {
        last = {static_cast<uint64_t>(row.number(0)), static_cast<size_t>(row.number(1)), std::string(row.bytes(2))};
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return last;
}

}  // namespace stillwatch::gateway
