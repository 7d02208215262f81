#include "common/tls/token_file.h"

#include <string_view>

#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kTokenFileBytesMax = 64 << 10;
constexpr std::string_view kTokenPrefix = "cnd_";
constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";

}  // namespace

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kTokenFileBytesMax));
  const size_t begin = text.find(kTokenPrefix);
  if (begin != std::string::npos) {
    const size_t end = text.find_first_not_of(kDigits, begin + kTokenPrefix.size());
    const std::string token = text.substr(begin, end == std::string::npos ? end : end - begin);
    const bool another =
        end != std::string::npos && text.find(kTokenPrefix, end) != std::string::npos;
    if (token.size() > kTokenPrefix.size() && !another) return token;
  }
  return absl::InvalidArgumentError(path + " does not hold exactly one enrolment token (cnd_…)");
}

}  // namespace candor
