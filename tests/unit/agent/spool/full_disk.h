// A disk that is full when told to be, or that has only so much room left: an SQLite VFS over the
// default one whose writes fail with SQLITE_FULL, and whose WAL index cannot grow, as on a real
// full disk.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>

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

  // From now on files can grow by so many bytes together; what is cut off a file comes back.
  void set_room(int64_t bytes) { room_ = bytes; }
  // A file grows, or shrinks where `bytes` is negative. False when there is no room.
  bool Take(int64_t bytes);

 private:
  sqlite3_vfs vfs_{};
  bool full_ = false;
  std::optional<int64_t> room_;
};

}  // namespace candor::testing
