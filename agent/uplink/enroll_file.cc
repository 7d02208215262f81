#include "agent/uplink/enroll_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "agent/samplers/support/text.h"
#include "common/config.h"
#include "common/descriptor.h"
#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr std::string_view kTokenKey = "token";
constexpr std::string_view kTokenPrefix = "cnd_";
constexpr std::string_view kTokenRemoved = "# the token was used, and removed";

bool SetsToken(std::string_view line) {
  line = Trim(line);
  return line.starts_with(kTokenKey) && Trim(line.substr(kTokenKey.size())).starts_with('=');
}

std::string WithoutToken(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const bool last = line.size() == text.size();
    kept += SetsToken(line) ? kTokenRemoved : line;
    if (!last) kept += '\n';
    text.remove_prefix(last ? line.size() : line.size() + 1);
  }
  // A token that was written some other way goes with all the rest.
  return kept.find(kTokenPrefix) == std::string::npos ? kept : Concat(kTokenRemoved, "\n");
}

}  // namespace

absl::StatusOr<EnrollOptions> ReadEnrollFile(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadSecretFile(path));
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromText(text, path));
  EnrollOptions options;
  reader.Get("collector", options.enrollment);
  reader.Get("ca_fingerprint", options.ca_fingerprint);
  reader.Get(kTokenKey, options.token);
  reader.Get("labels", options.labels);
  CANDOR_RETURN_IF_ERROR(reader.Finish());
  if (!reader.Has(kTokenKey)) return absl::NotFoundError(Concat(path, " has no token"));
  for (const char* key : {"collector", "ca_fingerprint"}) {
    if (!reader.Has(key)) return absl::InvalidArgumentError(Concat(path, ": no ", key));
  }
  if (!options.token.starts_with(kTokenPrefix)) {
    return reader.Error(kTokenKey, "an enrolment token begins with cnd_");
  }
  CANDOR_RETURN_IF_ERROR(Prefix(CheckEnrollOptions(options), path));
  return options;
}

absl::Status RemoveToken(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadSecretFile(path));
  const std::string kept = WithoutToken(text);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.open()) return ErrnoStatus(errno, path);
  const auto size = static_cast<ssize_t>(kept.size());
  if (::pwrite(file.get(), kept.data(), kept.size(), 0) != size ||
      ::ftruncate(file.get(), size) != 0 || ::fsync(file.get()) != 0) {
    return ErrnoStatus(errno, path);
  }
  return absl::OkStatus();
}

}  // namespace candor
