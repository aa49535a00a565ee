#include "gateway/archive.h"

#include <fmt/format.h>

#include <set>

#include "base/hash.h"
#include "gateway/archive_rows.h"
#include "report/json.h"

namespace stillwatch::gateway {
namespace {

using base::Result;
using store::Statement;

constexpr int kVersion = 5;
constexpr const char* kSchema1 =
    "CREATE TABLE subjects(account BLOB PRIMARY KEY, last_exchange INTEGER, last_seen INTEGER, saved BLOB) WITHOUT "
    "ROWID;"
    "CREATE TABLE journal(last_exchange INTEGER PRIMARY KEY, count INTEGER, records BLOB);"
    "CREATE TABLE findings(account BLOB PRIMARY KEY, time INTEGER, body BLOB) WITHOUT ROWID;"
    "CREATE TABLE labels(account BLOB PRIMARY KEY, line BLOB) WITHOUT ROWID;";
constexpr const char* kSchema2 =  // what each adds
    "CREATE TABLE alerts(account BLOB PRIMARY KEY, sinks INTEGER) WITHOUT ROWID;"
    "CREATE TABLE exemplars(account BLOB, key INTEGER, time INTEGER, text BLOB, PRIMARY KEY(account, key)) WITHOUT "
    "ROWID;";
constexpr const char* kSchema3 =
    "CREATE TABLE evidence(number INTEGER PRIMARY KEY AUTOINCREMENT, account BLOB, line BLOB);"
    "CREATE INDEX evidence_of ON evidence(account);"
    "CREATE TABLE redeemed(nonce BLOB PRIMARY KEY, account BLOB, expires INTEGER, until INTEGER) WITHOUT ROWID;"
    "CREATE TABLE approvals(time INTEGER PRIMARY KEY, policy INTEGER, accounts INTEGER, who BLOB);";
constexpr const char* kSchema4 = "CREATE TABLE campaigns(number INTEGER PRIMARY KEY, body BLOB);";
constexpr const char* kSchema5 =
    "ALTER TABLE findings ADD COLUMN about INTEGER NOT NULL DEFAULT 0;"
    R"(UPDATE findings SET about = 1 WHERE CAST(body AS TEXT) LIKE '{"type":"campaign"%')";

// Of a row of account, time, body, about.
Finding finding_of(const Statement& row) {
  return {std::string(row.bytes(0)), base::from_ms(row.number(1)), std::string(row.bytes(2)),
          row.number(3) == 0 ? About::kAccount : About::kCampaign};
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

Result<std::unique_ptr<Archive>> Archive::open(const std::string& path) {
  auto database = store::Database::open(path);
  if (!database) return tl::unexpected(database.error());
  const auto version = database->version();
  if (!version) return tl::unexpected(version.error());
  if (*version > kVersion) {
    return base::fail(base::ErrorCode::kInput,
                      fmt::format("{} is of format {}, this program reads up to {}: run the program that made it", path,
                                  *version, kVersion));
  }
  if (*version < kVersion) {
    const auto made = database->transaction([&]() -> Result<void> {
      const char* const schemas[] = {kSchema1, kSchema2, kSchema3, kSchema4, kSchema5};
      for (auto v = static_cast<size_t>(*version); v < std::size(schemas); ++v) {
        if (auto ok = database->run(schemas[v]); !ok) return ok;
      }
      return database->set_version(kVersion);
    });
    if (!made) return tl::unexpected(made.error());
  }
  return std::unique_ptr<Archive>(new Archive(std::move(*database)));
}

Result<uint64_t> Archive::restore(pipeline::Pipeline& pipeline) {
  std::map<std::string, uint64_t, std::less<>> saved;  // up to which exchange
  uint64_t last = 0;
  // Those last that were seen last: they stay in memory.
  auto ok = for_each_row(database_, "SELECT account, last_exchange, saved FROM subjects ORDER BY last_seen, account",
                         [&](Statement& row) {
                           const auto exchange = static_cast<uint64_t>(row.number(1));
                           last = std::max(last, exchange);
                           saved.emplace(row.bytes(0), exchange);
                           auto loaded = pipeline.load(row.bytes(0), row.bytes(2));
                           pipeline.cool();
                           return loaded;
                         });
  if (!ok) return tl::unexpected(ok.error());
  ok = for_each_row(database_, "SELECT last_exchange, count, records FROM journal ORDER BY last_exchange",
                    [&](Statement& row) -> Result<void> {
                      const auto end = static_cast<uint64_t>(row.number(0));
                      uint64_t exchange = end - static_cast<uint64_t>(row.number(1));
                      base::Reader in(row.bytes(2));
                      for (JournalRecord r; exchange < end;) {
                        if (!r.read(in)) return damaged_journal();
                        ++exchange;
                        if (r.account.empty()) continue;  // forgotten
                        const auto it = saved.find(r.account);
                        if (it != saved.end() && it->second >= exchange) continue;
                        pipeline.follow(r.account, r.features);
                        if (pipeline.observe(r.account, r.organization, r.features) != pipeline::Observed::kLost)
                          continue;
                        if (Result<void> room = save_changed(pipeline, exchange - 1); !room) return room;
                        pipeline.observe(r.account, r.organization, r.features);
                      }
                      last = std::max(last, end);
                      return {};
                    });
  if (!ok) return tl::unexpected(ok.error());
  return last;
}

// While the journal is replayed: more accounts are in it than there is room for profiles.
Result<void> Archive::save_changed(pipeline::Pipeline& pipeline, uint64_t exchange) {
  std::vector<Saved> subjects;
  for (auto& s : pipeline.take_changed(SIZE_MAX)) subjects.emplace_back(exchange, std::move(s));
  if (auto ok = put_subjects(subjects); !ok) return ok;
  pipeline.cool();
  return {};
}

Result<void> Archive::put_subjects(const std::vector<Saved>& subjects) {
  auto upsert = database_.prepare("INSERT OR REPLACE INTO subjects VALUES(?, ?, ?, ?)");
  if (!upsert) return tl::unexpected(upsert.error());
  for (const auto& [exchange, s] : subjects) {
    upsert->bind(0, s.account).bind(1, static_cast<int64_t>(exchange)).bind(2, base::to_ms(s.last_seen));
    if (auto ok = upsert->bind(3, s.bytes).run(); !ok) return ok;
  }
  return {};
}

Result<std::string> Archive::subject(std::string_view account) {
  const std::lock_guard lock(mutex_);
  if (!subject_) {
    auto select = database_.prepare("SELECT saved FROM subjects WHERE account = ?");
    if (!select) return tl::unexpected(select.error());
    subject_.emplace(std::move(*select));
  }
  const auto row = subject_->bind(0, account).step();
  std::string bytes(row && *row ? subject_->bytes(0) : std::string_view());
  subject_->reset();
  if (!row) return tl::unexpected(row.error());
  return bytes;
}

pipeline::Pipeline::Fetch Archive::fetch_from(const std::shared_ptr<Archive>& archive) {
  return [weak = std::weak_ptr(archive)](std::string_view account) -> Result<std::string> {
    const auto open = weak.lock();
    return open ? open->subject(account) : base::fail(base::ErrorCode::kInternal, "the store is closed");
  };
}

Result<void> Archive::put_findings(const Changes& c) {
  for (const Finding& f : c.findings) {
    auto upsert = database_.prepare("INSERT OR REPLACE INTO findings VALUES(?, ?, ?, ?)");
    if (!upsert) return tl::unexpected(upsert.error());
    upsert->bind(0, f.account).bind(1, base::to_ms(f.time)).bind(2, f.body).bind(3, static_cast<int64_t>(f.about));
    if (auto ok = upsert->run(); !ok) return ok;
    if (c.to_tell == 0) continue;
    auto alert = database_.prepare("INSERT OR REPLACE INTO alerts VALUES(?, ?)");
    if (!alert) return tl::unexpected(alert.error());
    if (auto ok = alert->bind(0, f.account).bind(1, int64_t{c.to_tell}).run(); !ok) return ok;
  }
  for (const auto& [account, sinks] : c.told) {
    auto clear = database_.prepare("UPDATE alerts SET sinks = sinks & ~? WHERE account = ?");
    if (!clear) return tl::unexpected(clear.error());
    if (auto ok = clear->bind(0, int64_t{sinks}).bind(1, account).run(); !ok) return ok;
  }
  return c.told.empty() ? Result<void>() : database_.run("DELETE FROM alerts WHERE sinks = 0");
}

Result<void> Archive::put_campaigns(const std::vector<std::string>& campaigns) {
  std::set<std::string_view> missing(campaigns.begin(), campaigns.end());
  std::vector<int64_t> gone;
  auto ok = for_each_row(database_, "SELECT number, body FROM campaigns", [&](Statement& row) -> Result<void> {
    if (missing.erase(row.bytes(1)) == 0) gone.push_back(row.number(0));
    return {};
  });
  if (!ok) return ok;
  auto remove = database_.prepare("DELETE FROM campaigns WHERE number = ?");
  if (!remove) return tl::unexpected(remove.error());
  for (const int64_t number : gone) {
    if (auto removed = remove->bind(0, number).run(); !removed) return removed;
  }
  auto insert = database_.prepare("INSERT INTO campaigns(body) VALUES(?)");
  if (!insert) return tl::unexpected(insert.error());
  for (const std::string_view body : missing) {
    if (auto written = insert->bind(0, body).run(); !written) return written;
  }
  return {};
}

Result<std::vector<pipeline::CampaignFinding>> Archive::campaigns() {
  const std::lock_guard lock(mutex_);
  return read_campaigns();
}

Result<std::vector<pipeline::CampaignFinding>> Archive::read_campaigns() {
  std::vector<pipeline::CampaignFinding> out;
  const auto ok =
      for_each_row(database_, "SELECT body FROM campaigns ORDER BY number", [&](Statement& row) -> Result<void> {
        auto campaign = report::parse_campaign(row.bytes(0));
        if (!campaign) return tl::unexpected(campaign.error());
        out.push_back(std::move(*campaign));
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Archive::put_exemplars(const std::vector<Exemplar>& exemplars) {
  for (const Exemplar& e : exemplars) {
    const bool gone = e.text.empty();
    auto change = database_.prepare(gone ? "DELETE FROM exemplars WHERE account = ? AND key = ?"
                                         : "INSERT OR REPLACE INTO exemplars VALUES(?, ?, ?, ?)");
    if (!change) return tl::unexpected(change.error());
    change->bind(0, e.account).bind(1, static_cast<int64_t>(e.key));
    if (!gone) change->bind(2, base::to_ms(e.time)).bind(3, e.text);
    if (auto ok = change->run(); !ok) return ok;
  }
  return {};
}

Result<std::vector<std::pair<Finding, Sinks>>> Archive::untold() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<Finding, Sinks>> out;
  const auto ok = for_each_row(
      database_, "SELECT account, time, body, about, sinks FROM findings JOIN alerts USING(account) ORDER BY time",
      [&](Statement& row) -> Result<void> {
        out.emplace_back(finding_of(row), static_cast<Sinks>(row.number(4)));
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

Result<std::vector<Finding>> Archive::findings() {
  const std::lock_guard lock(mutex_);
  std::vector<Finding> out;
  const auto ok =
      for_each_row(database_, "SELECT account, time, body, about FROM findings", [&](Statement& row) -> Result<void> {
        out.push_back(finding_of(row));
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Archive::commit(const Changes& c) {
  const std::lock_guard lock(mutex_);
  return database_.transaction([&]() -> Result<void> {
    if (c.journal.count > 0) {
      auto insert = database_.prepare("INSERT INTO journal VALUES(?, ?, ?)");
      if (!insert) return tl::unexpected(insert.error());
      insert->bind(0, static_cast<int64_t>(c.journal.last())).bind(1, static_cast<int64_t>(c.journal.count));
      if (auto ok = insert->bind(2, c.journal.records).run(); !ok) return ok;
    }
    if (auto ok = put_subjects(c.subjects); !ok) return ok;
    if (auto ok = put_findings(c); !ok) return ok;
    if (auto ok = put_exemplars(c.exemplars); !ok) return ok;
    if (auto ok = put_evidence(c.evidence); !ok) return ok;
    if (auto ok = c.campaigns ? put_campaigns(*c.campaigns) : Result<void>(); !ok) return ok;
    if (c.journal_done > 0)
      return database_.run(fmt::format("DELETE FROM journal WHERE last_exchange <= {}", c.journal_done));
    return {};
  });
}

}  // namespace stillwatch::gateway
