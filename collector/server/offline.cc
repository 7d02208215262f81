#include "collector/server/offline.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"

namespace candor {

absl::StatusOr<std::unique_ptr<Store>> OpenOffline(const std::string& data) {
  struct stat info {};
  const bool found = stat((data + "/candor.db").c_str(), &info) == 0;
  struct stat key {};
  if (stat((data + "/ca.key").c_str(), &key) == 0 && (!found || info.st_size == 0)) {
    return absl::FailedPreconditionError(absl::StrCat(
        data, "/candor.db is ", found ? "empty" : "missing", ": restore it from a backup"));
  }
  if (!found) {
    return absl::NotFoundError(absl::StrCat(data,
                                            " is not a collector's data folder; make one with "
                                            "'candor-collector init --data ",
                                            data, "'"));
  }
  return Store::Open(data);
}

absl::StatusOr<ModelSet> LoadModels(const std::string& data) {
  return ModelSet::Load({ModelSet::InstalledFolder(), data + "/models"});
}

}  // namespace candor
