#include "agent/windows/boot_id.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {

absl::StatusOr<std::string> ReadBootId(const std::string& proc) {
  const std::string path = proc + "/sys/kernel/random/boot_id";
  CANDOR_ASSIGN_OR_RETURN(std::string text, ReadFile(path, 256));
  std::erase_if(text, [](char c) { return c == '-' || c == '\n'; });
  const auto raw = FromHex(text);
  if (!raw.ok() || raw->size() != kBootIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a boot id"));
  }
  return *raw;
}

}  // namespace candor
