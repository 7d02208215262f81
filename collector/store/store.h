// The embedded store: where DIR's files are, and the connections to its database.
//
// DIR/candor.db the database, DIR/lock held exclusively by the running collector or by one offline
// command. Exactly one connection writes and checkpoints (owned by Writer, or by an offline
// command); every other one is read-only.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/files.h"
#include "common/sqlite.h"

namespace candor {

class Store {
 public:
  // Takes the lock, opens or creates the database and migrates it. Unavailable "another
  // candor-collector uses DIR" when the lock is held; NotFound when DIR was never initialised.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& folder);

  // The one writing connection; used by Writer's thread only once a Writer runs.
  Database& write_connection() { return write_; }
  // A further, read-only connection, for one thread.
  absl::StatusOr<Database> OpenReader() const;

  const std::string& folder() const { return folder_; }
  // DIR/candor.db
  std::string database_path() const;

 private:
  Store(std::string folder, FileLock lock, Database write);
  std::string folder_;
  FileLock lock_;
  Database write_;
};

}  // namespace candor
