#include "common/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/descriptor.h"
#include "common/status.h"

namespace candor {
namespace {

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path, size_t size_max) {
  std::string bytes;
  char buffer[16384];
  while (true) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, path);
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(got));
    if (bytes.size() > size_max) {
      return absl::ResourceExhaustedError(path + ": larger than " + std::to_string(size_max) +
                                          " bytes");
    }
  }
}

absl::Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus(errno, path);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return ErrnoStatus(errno, folder);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t size_max) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  return ReadAll(fd.get(), path, size_max);
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path, size_t size_max) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, path);
  // A pipe will do; the rights of a folder or a device are not to be touched for our sake.
  if (S_ISDIR(info.st_mode) || S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
    return absl::InvalidArgumentError(path + " is not a file");
  }
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(path + ": others may read this secret; run: chmod 600 " +
                                         path);
  }
  return ReadAll(fd.get(), path, size_max);
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes, int mode) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  absl::Status status = WriteAll(fd.get(), path, bytes);
  if (status.ok() && fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) {
    status = ErrnoStatus(errno, path);
  }
  if (status.ok() && fsync(fd.get()) != 0) status = ErrnoStatus(errno, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, path);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncFolderOf(path);
}

absl::Status MakeFolder(const std::string& path, int mode) {
  if (path.empty()) return absl::InvalidArgumentError("a folder needs a name");
  const std::filesystem::path folder(path);
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    std::error_code error;
    if (!std::filesystem::exists(folder.parent_path(), error)) {
      CANDOR_RETURN_IF_ERROR(MakeFolder(folder.parent_path().string(), mode));
    }
  }
  if (mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0) {
    if (errno != EEXIST) return ErrnoStatus(errno, path);
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
      return absl::FailedPreconditionError(path + ": not a folder");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FileLock> FileLock::Acquire(const std::string& path) {
  Descriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, path);
    std::string holder = ReadAll(fd.get(), path, 64).value_or("");
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return absl::UnavailableError(path + ": locked by process " +
                                  (holder.empty() ? std::string("unknown") : holder));
  }
  const std::string id = std::to_string(getpid()) + "\n";
  if (ftruncate(fd.get(), 0) != 0) return ErrnoStatus(errno, path);
  CANDOR_RETURN_IF_ERROR(WriteAll(fd.get(), path, id));
  return FileLock(fd.Release());
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace candor
