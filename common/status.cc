#include "common/status.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace candor {

absl::Status Prefix(const absl::Status& status, std::string_view where) {
  if (status.ok()) return status;
  std::string message(where);
  message.append(": ").append(MessageOf(status));
  return absl::Status(status.code(), message);
}

absl::Status ErrnoStatus(int error, std::string_view what) {
  std::string message(what);
  message.append(": ").append(std::generic_category().message(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    case EEXIST:
      return absl::AlreadyExistsError(message);
    case EAGAIN:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ETIMEDOUT:
      return absl::UnavailableError(message);
    case EINVAL:
      return absl::InvalidArgumentError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace candor
