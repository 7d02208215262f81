#include "common/privileges.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/status.h"

namespace candor {

absl::Status BecomeOwnerOf(const std::string& folder) {
  if (::geteuid() != 0) return absl::OkStatus();
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, folder);
  }
  if (info.st_uid == 0) return absl::OkStatus();
  if (::setgroups(0, nullptr) != 0 || ::setresgid(info.st_gid, info.st_gid, info.st_gid) != 0 ||
      ::setresuid(info.st_uid, info.st_uid, info.st_uid) != 0) {
    return ErrnoStatus(errno, "cannot become the owner of " + folder);
  }
  return absl::OkStatus();
}

}  // namespace candor
