#include "gateway/archive.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "features/record.h"

namespace stillwatch::gateway {
namespace {

using base::Result;
using store::Statement;

constexpr int kVersion = 1;
constexpr const char* kSchema =
    "CREATE TABLE subjects(account BLOB PRIMARY KEY, last_exchange INTEGER, last_seen INTEGER, saved BLOB) WITHOUT "
    "ROWID;"
    "CREATE TABLE journal(last_exchange INTEGER PRIMARY KEY, count INTEGER, records BLOB);"
    "CREATE TABLE findings(account BLOB PRIMARY KEY, time INTEGER, body BLOB) WITHOUT ROWID;"
    "CREATE TABLE labels(account BLOB PRIMARY KEY, line BLOB) WITHOUT ROWID;";

// Calls each(statement) for every row.
template <typename Each>
Result<void> for_each_row(store::Database& database, std::string_view sql, Each each) {
  auto statement = database.prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  while (true) {
    const auto row = statement->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    if (Result<void> ok = each(*statement); !ok) return ok;
  }
}

struct Record {
  std::string_view account;
  std::string_view organization;
  features::Features features;
};

bool read(base::Reader& in, Record& r) {
  r.account = in.text(base::kIdentityBytesMax);
  r.organization = in.text(base::kIdentityBytesMax);
  return features::read(in, r.features);
}

tl::unexpected<base::Error> damaged() {
  return base::fail(base::ErrorCode::kInput,
                    "the store's journal is damaged: put a copy of stillwatch.db back, or move it away to begin anew");
}

}  // namespace

std::string Finding::id() const {
  return fmt::format("finding_{:016x}", base::combine(base::hash64(account), static_cast<uint64_t>(base::to_ms(time))));
}

void Journal::add(std::string_view account, std::string_view organization, const features::Features& f) {
  base::Writer out(std::move(records));
  out.text(account);
  out.text(organization);
  features::write(f, out);
  records = out.take();
  ++count;
}

Result<Archive> Archive::open(const std::string& path) {
  auto database = store::Database::open(path);
  if (!database) return tl::unexpected(database.error());
  const auto version = database->version();
  if (!version) return tl::unexpected(version.error());
  if (*version == 0) {
    const auto made = database->transaction([&]() -> Result<void> {
      if (auto ok = database->run(kSchema); !ok) return ok;
      return database->set_version(kVersion);
    });
    if (!made) return tl::unexpected(made.error());
  } else if (*version != kVersion) {
    return base::fail(base::ErrorCode::kInput,
                      fmt::format("{} is of format {}, this program reads {}: run the program that made it", path,
                                  *version, kVersion));
  }
  return Archive(std::move(*database));
}

Result<uint64_t> Archive::restore(pipeline::Pipeline& pipeline) {
  std::map<std::string, uint64_t, std::less<>> saved;  // up to which exchange
  uint64_t last = 0;
  auto ok = for_each_row(database_, "SELECT account, last_exchange, saved FROM subjects", [&](Statement& row) {
    const auto exchange = static_cast<uint64_t>(row.number(1));
    last = std::max(last, exchange);
    saved.emplace(row.bytes(0), exchange);
    return pipeline.load(row.bytes(0), row.bytes(2));
  });
  if (!ok) return tl::unexpected(ok.error());
  ok = for_each_row(database_, "SELECT last_exchange, count, records FROM journal ORDER BY last_exchange",
                    [&](Statement& row) -> Result<void> {
                      const auto end = static_cast<uint64_t>(row.number(0));
                      uint64_t exchange = end - static_cast<uint64_t>(row.number(1));
                      base::Reader in(row.bytes(2));
                      for (Record r; exchange < end;) {
                        if (!read(in, r)) return damaged();
                        ++exchange;
                        if (r.account.empty()) continue;  // forgotten
                        const auto it = saved.find(r.account);
                        if (it != saved.end() && it->second >= exchange) continue;
                        pipeline.observe(r.account, r.organization, r.features);
                      }
                      last = std::max(last, end);
                      return {};
                    });
  if (!ok) return tl::unexpected(ok.error());
  return last;
}

Result<verdict::Labels> Archive::labels() {
  std::string lines;
  const auto ok = for_each_row(database_, "SELECT line FROM labels", [&](Statement& row) -> Result<void> {
    lines += row.bytes(0);
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  return verdict::Labels::parse(lines, "labels of the store");
}

Result<std::vector<Finding>> Archive::findings() {
  std::vector<Finding> out;
  const auto ok =
      for_each_row(database_, "SELECT account, time, body FROM findings", [&](Statement& row) -> Result<void> {
        out.push_back({std::string(row.bytes(0)), base::from_ms(row.number(1)), std::string(row.bytes(2))});
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Archive::commit(const Changes& c) {
  return database_.transaction([&]() -> Result<void> {
    if (c.journal.count > 0) {
      auto insert = database_.prepare("INSERT INTO journal VALUES(?, ?, ?)");
      if (!insert) return tl::unexpected(insert.error());
      insert->bind(0, static_cast<int64_t>(c.journal.last())).bind(1, static_cast<int64_t>(c.journal.count));
      if (auto ok = insert->bind(2, c.journal.records).run(); !ok) return ok;
    }
    if (!c.subjects.empty()) {
      auto upsert = database_.prepare("INSERT OR REPLACE INTO subjects VALUES(?, ?, ?, ?)");
      if (!upsert) return tl::unexpected(upsert.error());
      for (const auto& [exchange, s] : c.subjects) {
        upsert->bind(0, s.account).bind(1, static_cast<int64_t>(exchange)).bind(2, base::to_ms(s.last_seen));
        if (auto ok = upsert->bind(3, s.bytes).run(); !ok) return ok;
      }
    }
    for (const Finding& f : c.findings) {
      auto upsert = database_.prepare("INSERT OR REPLACE INTO findings VALUES(?, ?, ?)");
      if (!upsert) return tl::unexpected(upsert.error());
      if (auto ok = upsert->bind(0, f.account).bind(1, base::to_ms(f.time)).bind(2, f.body).run(); !ok) return ok;
    }
    if (c.journal_done > 0)
      return database_.run(fmt::format("DELETE FROM journal WHERE last_exchange <= {}", c.journal_done));
    return {};
  });
}

Result<void> Archive::put_label(std::string_view account, const verdict::Label& label) {
  auto upsert = database_.prepare("INSERT OR REPLACE INTO labels VALUES(?, ?)");
  if (!upsert) return tl::unexpected(upsert.error());
  const std::string line = verdict::Labels::format(account, label);
  return upsert->bind(0, account).bind(1, line).run();
}

Result<std::vector<std::string>> Archive::expire(base::Time subjects_since, base::Time findings_since) {
  std::vector<std::string> gone;
  const auto ok = database_.transaction([&]() -> Result<void> {
    auto remove = database_.prepare("DELETE FROM subjects WHERE last_seen < ? RETURNING account");
    if (!remove) return tl::unexpected(remove.error());
    remove->bind(0, base::to_ms(subjects_since));
    while (true) {
      const auto row = remove->step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) break;
      gone.emplace_back(remove->bytes(0));
    }
    return database_.run(fmt::format("DELETE FROM findings WHERE time < {}", base::to_ms(findings_since)));
  });
  if (!ok) return tl::unexpected(ok.error());
  return gone;
}

Result<bool> Archive::forget(std::string_view account) {
  bool found = false;
  const auto ok = database_.transaction([&]() -> Result<void> {
    for (const char* table : {"subjects", "findings", "labels"}) {
      auto remove = database_.prepare(fmt::format("DELETE FROM {} WHERE account = ? RETURNING 1", table));
      if (!remove) return tl::unexpected(remove.error());
      const auto row = remove->bind(0, account).step();
      if (!row) return tl::unexpected(row.error());
      found = found || *row;
      while (*row) {  // until the statement has ended
        const auto next = remove->step();
        if (!next) return tl::unexpected(next.error());
        if (!*next) break;
      }
    }
    return forget_in_journal(account, found);
  });
  if (!ok) return tl::unexpected(ok.error());
  if (auto emptied = database_.checkpoint(); !emptied) return tl::unexpected(emptied.error());
  return found;
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
          Record r;
          if (!read(in, r)) return damaged();
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
