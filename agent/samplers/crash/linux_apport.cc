#include "agent/samplers/crash/linux_apport.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/samplers/support/text.h"
#include "common/descriptor.h"
#include "common/status.h"

namespace candor {
namespace {

// The inode of a file; 0 where there is none.
uint64_t InodeOf(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? uint64_t{info.st_ino} : 0;
}

}  // namespace

LinuxApportLog::LinuxApportLog(std::string path, std::string position)
    : path_(std::move(path)), position_(std::move(position)) {
  const size_t colon = position_.find(':');
  if (colon == std::string::npos) return;
  const std::string_view text = position_;
  const auto inode = ParseNumber<uint64_t>(text.substr(0, colon));
  const auto offset = ParseNumber<uint64_t>(text.substr(colon + 1));
  if (!inode || !offset) return;
  begun_ = true;
  inode_ = *inode;
  offset_ = *offset;
}

absl::StatusOr<std::vector<LinuxApportLog::Entry>> LinuxApportLog::Read() {
  std::vector<Entry> entries;
  if (!begun_) {
    struct stat info {};
    const bool there = ::stat(path_.c_str(), &info) == 0;
    begun_ = true;
    SetPosition(there ? uint64_t{info.st_ino} : 0, there ? static_cast<uint64_t>(info.st_size) : 0);
  }
  const uint64_t current = InodeOf(path_);
  if (current != inode_) {
    // Rotated: first what was added before it was.
    if (inode_ != 0 && InodeOf(path_ + ".1") == inode_) {
      CANDOR_ASSIGN_OR_RETURN(const bool at_end, ReadOn(path_ + ".1", entries));
      if (!at_end) return entries;
    }
    if (current == 0) return entries;
    SetPosition(current, 0);
  }
  if (current == 0) return entries;
  const absl::Status read = ReadOn(path_, entries).status();
  // What was read before the error is told first; the error comes again.
  if (!read.ok() && entries.empty()) return read;
  return entries;
}

// Whole lines only: the last one may still be written.
absl::StatusOr<bool> LinuxApportLog::ReadOn(const std::string& path, std::vector<Entry>& entries) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.open()) return ErrnoStatus(errno, path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(path + ": is no file");
  const auto file_size = static_cast<uint64_t>(info.st_size);
  if (file_size < offset_) {
    lines_ = ApportLines();
    SetPosition(inode_, 0);  // emptied in place
  }
  if (file_size == offset_) return true;
  std::string text(kReadBytesMax, '\0');
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(offset_));
  if (size < 0) return ErrnoStatus(errno, path);
  text.resize(static_cast<size_t>(size));
  std::string_view rest = text;
  for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    auto report = lines_.Take(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    offset_ += end + 1;
    if (!lines_.half()) SetPosition(inode_, offset_);
    if (report) entries.push_back({*std::move(report), position_});
    if (entries.size() == kReportsMax) return false;
  }
  // A line longer than a whole read tells nothing; its rest is a line that tells nothing either.
  if (rest.size() == kReadBytesMax) offset_ += rest.size();
  return text.size() < kReadBytesMax;
}

void LinuxApportLog::SetPosition(uint64_t inode, uint64_t offset) {
  inode_ = inode;
  offset_ = offset;
  position_ = Concat(std::to_string(inode), ":", std::to_string(offset));
}

}  // namespace candor
