#include "store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

namespace stillwatch::store {
namespace {

tl::unexpected<base::Error> failed(sqlite3* handle) {
  const char* file = sqlite3_db_filename(handle, "main");
  const char* where = file != nullptr && *file != '\0' ? file : "the database";
  switch (sqlite3_errcode(handle)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return base::fail(base::ErrorCode::kInput,
                        fmt::format("{} is in use by another program: ask that one, or end it first", where));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return base::fail(base::ErrorCode::kInput,
                        fmt::format("{} is damaged: put a copy of it back, or move it away to begin anew", where));
    case SQLITE_FULL:
      return base::fail(base::ErrorCode::kInternal, fmt::format("{} cannot be written: the disk is full", where));
    default:
      return base::fail(base::ErrorCode::kInternal, fmt::format("{}: {}", where, sqlite3_errmsg(handle)));
  }
}

}  // namespace

void Statement::finalize(sqlite3_stmt* statement) {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int at, int64_t value) {
  sqlite3_bind_int64(statement_.get(), at + 1, value);
  return *this;
}

Statement& Statement::bind(int at, std::string_view bytes) {
  // A null pointer would be NULL, and an empty blob is not.
  sqlite3_bind_blob64(statement_.get(), at + 1, bytes.data() != nullptr ? bytes.data() : "", bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

base::Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto error = failed(sqlite3_db_handle(statement_.get()));
  reset();
  return error;
}

base::Result<void> Statement::run() {
  const auto stepped = step();
  reset();
  if (!stepped) return tl::unexpected(stepped.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  return {static_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::close(sqlite3* handle) {
  sqlite3_close_v2(handle);
}

base::Result<Database> Database::open(const std::string& path) {
  const mode_t mask = ::umask(0077);
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  // The exclusive lock is taken at the first access and kept: two programs with one journal would lose exchanges.
  base::Result<void> ok;
  if (code == SQLITE_OK)
    ok = database.run(
        "PRAGMA page_size=16384; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA secure_delete=ON;"
        "PRAGMA journal_size_limit=67108864; BEGIN IMMEDIATE; COMMIT");
  ::umask(mask);
  if (handle == nullptr) return base::fail(base::ErrorCode::kInternal, "no memory for a database");
  if (code != SQLITE_OK) {
    return base::fail(base::ErrorCode::kInternal, fmt::format("{} cannot be opened: {}", path, sqlite3_errmsg(handle)));
  }
  if (!ok) return tl::unexpected(ok.error());
  return database;
}

base::Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
    return failed(handle_.get());
  return Statement(statement);
}

base::Result<void> Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return failed(handle_.get());
  return {};
}

base::Result<void> Database::transaction(const std::function<base::Result<void>()>& work) {
  if (auto ok = run("BEGIN IMMEDIATE"); !ok) return ok;
  auto ok = work();
  if (ok) ok = run("COMMIT");
  if (!ok) sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return ok;
}

base::Result<void> Database::checkpoint() {
  return run("PRAGMA wal_checkpoint(TRUNCATE)");
}

base::Result<int64_t> Database::version() {
  auto statement = prepare("PRAGMA user_version");
  if (!statement) return tl::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return tl::unexpected(row.error());
  return statement->number(0);
}

base::Result<void> Database::set_version(int version) {
  return run(fmt::format("PRAGMA user_version={}", version));
}

}  // namespace stillwatch::store
