// What the offline commands share: the store of a folder that no collector runs on, its models.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "collector/score/model.h"
#include "collector/store/store.h"

namespace candor {

// NotFound when the folder was never initialised, Unavailable while a collector runs on it.
absl::StatusOr<std::unique_ptr<Store>> OpenOffline(const std::string& data);

// Built-in and installed models, and those in DIR/models.
absl::StatusOr<ModelSet> LoadModels(const std::string& data);

}  // namespace candor
