// A disk that is full when told to be: an SQLite VFS over the default one whose writes fail with
// SQLITE_FULL, and whose WAL index cannot grow, as on a real full disk.
#pragma once

#include <sqlite3.h>

#include <string>

namespace candor::testing {

class FullDisk {
 public:
  FullDisk();
  ~FullDisk();
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

  // For SpoolOptions::vfs.
  static const char* name() { return "candor-full-disk"; }
  void set_full(bool full) { full_ = full; }
  bool full() const { return full_; }

 private:
  sqlite3_vfs vfs_{};
  bool full_ = false;
};

}  // namespace candor::testing
