// Small files: read whole with a limit, written so that a crash leaves the old or the new one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

// NotFound, PermissionDenied or ResourceExhausted (larger than `size_max`), naming the path.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t size_max = 1 << 20);

// Writes a temporary file beside it with `mode`, syncs it, renames it, syncs the folder.
absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes, int mode);

// Reads a private key's or token's file; FailedPrecondition when group or others may read it.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path, size_t size_max = 1 << 16);

// Creates the folder and its parents with `mode`; fine when it exists.
absl::Status MakeFolder(const std::string& path, int mode);

// A lock on `path` (created when absent) held for the object's life; Unavailable when another
// process holds it, naming that process's id where known.
class FileLock {
 public:
  static absl::StatusOr<FileLock> Acquire(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace candor
