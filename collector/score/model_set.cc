#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "collector/score/embedded_models.h"
#include "collector/score/model.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kModelsMax = 256;

// The model files of a folder, by name, so that which error comes first does not depend on the
// file system.
std::vector<std::filesystem::path> ModelFiles(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".toml") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool IsBuiltIn(std::string_view name) { return !BuiltInModelText(name).empty(); }

}  // namespace

std::string_view BuiltInModelText(std::string_view name) {
  for (const EmbeddedModel& model : EmbeddedModels()) {
    if (model.name == name) return model.text;
  }
  return {};
}

absl::StatusOr<ModelSet> ModelSet::BuiltIn() {
  ModelSet set;
  for (const EmbeddedModel& embedded : EmbeddedModels()) {
    const std::string file = std::string(embedded.name) + ".toml (built in)";
    CANDOR_ASSIGN_OR_RETURN(Model model, ParseModel(embedded.text, file));
    CANDOR_RETURN_IF_ERROR(set.Add(std::move(model), file));
  }
  return set;
}

absl::StatusOr<ModelSet> ModelSet::Load(const std::vector<std::string>& folders) {
  CANDOR_ASSIGN_OR_RETURN(ModelSet set, BuiltIn());
  for (const std::string& folder : folders) {
    for (const std::filesystem::path& path : ModelFiles(folder)) {
      // Installed copies of what is built in are there to be read by people.
      if (IsBuiltIn(path.stem().string())) continue;
      CANDOR_ASSIGN_OR_RETURN(Model model, LoadModelFile(path.string()));
      if (model.name != path.stem().string()) {
        return absl::InvalidArgumentError(path.string() + ": name: the model calls itself " +
                                          model.name + ", the file does not");
      }
      CANDOR_RETURN_IF_ERROR(set.Add(std::move(model), path.string()));
    }
  }
  return set;
}

std::string ModelSet::InstalledFolder() { return CANDOR_MODEL_FOLDER; }

absl::Status ModelSet::Add(Model model, const std::string& from) {
  if (models_.size() >= kModelsMax) {
    return absl::ResourceExhaustedError(from + ": more than 256 models");
  }
  if (models_.contains(model.name)) {
    return absl::InvalidArgumentError(from + ": name: there is another model " + model.name);
  }
  std::string name = model.name;
  models_.emplace(std::move(name), std::make_shared<const Model>(std::move(model)));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Model>> ModelSet::Find(std::string_view name) const {
  const auto at = models_.find(name);
  if (at != models_.end()) return at->second;
  std::string known;
  for (const std::string& each : names()) known.append(known.empty() ? "" : ", ").append(each);
  return absl::NotFoundError("there is no model \"" + std::string(name) + "\"; there are " + known);
}

std::vector<std::string> ModelSet::names() const {
  std::vector<std::string> names;
  for (const auto& [name, model] : models_) names.push_back(name);
  return names;
}

}  // namespace candor
