#include "collector/server/open_files.h"

#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace candor {

uint64_t RaiseOpenFilesLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised = limit;
  raised.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::string OpenFilesWarning(uint64_t limit, int64_t streams_max) {
  const uint64_t needed = static_cast<uint64_t>(streams_max) + kOpenFilesBeside;
  if (limit >= needed) return "";
  return absl::StrCat("limits.streams is ", streams_max, ", but only ", limit,
                      " files can be open at once: raise the hard limit (LimitNOFILE=) to ", needed,
                      " or lower limits.streams");
}

void AllowOpenFiles(int64_t streams_max) {
  const std::string warning = OpenFilesWarning(RaiseOpenFilesLimit(), streams_max);
  if (!warning.empty()) LogWarning(warning);
}

}  // namespace candor
