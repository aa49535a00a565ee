// SQLite, as values: a database in write-ahead mode that one program has open at a time, and statements in it. Knows
// nothing of what is kept.
//
// A transaction that was committed outlives the process and the machine (synchronous=FULL); what is deleted is
// overwritten (secure_delete). Errors say what failed and whether it is the disk. Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stillwatch::store {

// A prepared statement. Parameters and columns count from 0; text and blobs are both bytes here.
class Statement {
 public:
  Statement& bind(int at, int64_t value);
  Statement& bind(int at, std::string_view bytes);  // must live until the next reset
  // True with a row, false at the end.
  base::Result<bool> step();
  // One that gives no rows; ready to be bound again.
  base::Result<void> run();
  void reset();

  int64_t number(int column) const;
  std::string_view bytes(int column) const;  // until the next step

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement, &finalize) {}
  static void finalize(sqlite3_stmt* statement);
  std::unique_ptr<sqlite3_stmt, void (*)(sqlite3_stmt*)> statement_;
};

class Database {
 public:
  // Made where it is missing, readable by its owner alone. Fails for a file that is not a database, is damaged or is
  // open elsewhere.
  static base::Result<Database> open(const std::string& path);

  base::Result<Statement> prepare(std::string_view sql);
  base::Result<void> run(const std::string& sql);  // one or more statements without parameters
  // All that `work` writes or, if it fails, nothing.
  base::Result<void> transaction(const std::function<base::Result<void>()>& work);
  // Writes the journal into the file and empties it.
  base::Result<void> checkpoint();
  // A number that the owner of the file keeps there (user_version); 0 in a new one.
  base::Result<int64_t> version();
  base::Result<void> set_version(int version);

 private:
  explicit Database(sqlite3* handle) : handle_(handle, &close) {}
  static void close(sqlite3* handle);
  std::unique_ptr<sqlite3, void (*)(sqlite3*)> handle_;
};

}  // namespace stillwatch::store
