#include "agent/samplers/support/owner.h"

#include <algorithm>
#include <array>

#include "agent/samplers/support/clean_text.h"
#include "agent/samplers/support/text.h"
#include "agent/samplers/support/unit_name.h"

namespace candor {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string_view WithoutDeleted(std::string_view executable) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (executable.ends_with(kDeleted)) executable.remove_suffix(kDeleted.size());
  return executable;
}

std::vector<std::string> PathVariants(std::string_view executable) {
  std::vector<std::string> paths = {std::string(executable)};
  constexpr auto kMerged =
      std::to_array<std::string_view>({"/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/"});
  for (const std::string_view folder : kMerged) {
    if (executable.starts_with(folder)) paths.push_back(Concat("/usr", executable));
    if (executable.starts_with("/usr") && executable.substr(4).starts_with(folder)) {
      paths.emplace_back(executable.substr(4));
    }
  }
  return paths;
}

std::vector<std::string> UsualPaths(std::string_view task) {
  const bool sound = !task.empty() && task != "." && task != ".." &&
                     task.find('/') == std::string_view::npos &&
                     task.find('\n') == std::string_view::npos;
  if (!sound) return {};
  std::vector<std::string> paths;
  for (const char* folder : {"/usr/bin/", "/usr/sbin/", "/usr/libexec/", "/usr/lib/systemd/"}) {
    paths.push_back(Concat(folder, task));
  }
  paths.push_back(Concat("/usr/lib/", task, "/", task));
  return paths;
}

std::optional<std::string> FlatpakOf(std::string_view cgroup) {
  constexpr std::string_view kPrefix = "app-flatpak-";
  for (std::string_view part : Split(cgroup, '/')) {
    if (!part.starts_with(kPrefix)) continue;
    part.remove_prefix(kPrefix.size());
    part = part.substr(0, part.rfind('.'));  // .scope or .service
    // The launcher's own number is behind the last dash.
    const size_t dash = part.rfind('-');
    if (dash != std::string_view::npos && IsNumber(part.substr(dash + 1))) {
      part = part.substr(0, dash);
    }
    std::string app = CleanText(UnescapeUnitName(part), kNameBytesMax);
    if (app.find('.') != std::string::npos) return app;
  }
  return std::nullopt;
}

std::optional<SnapPlace> SnapOf(std::string_view executable) {
  constexpr std::string_view kSnap = "/snap/";
  if (!executable.starts_with(kSnap)) return std::nullopt;
  const std::vector<std::string_view> parts = Split(executable.substr(kSnap.size()), '/');
  if (parts.size() < 3 || parts[0] == "bin") return std::nullopt;
  return SnapPlace{CleanText(parts[0], kNameBytesMax), CleanText(parts[1], kNameBytesMax)};
}

std::optional<PackageName> PackageOfListFile(std::string_view file) {
  constexpr std::string_view kSuffix = ".list";
  if (!file.ends_with(kSuffix) || file.size() == kSuffix.size()) return std::nullopt;
  file.remove_suffix(kSuffix.size());
  const size_t colon = file.find(':');
  PackageName package;
  package.name = std::string(file.substr(0, colon));
  if (colon != std::string_view::npos) package.architecture = std::string(file.substr(colon + 1));
  return package;
}

bool PackageVersionReader::Line(std::string_view line) {
  if (Trim(line).empty()) return EndOfStanza();
  const size_t colon = line.find(": ");
  if (colon == std::string_view::npos || line.front() == ' ') return false;
  const std::string_view key = line.substr(0, colon);
  const std::string_view value = Trim(line.substr(colon + 2));
  if (key == "Package") name_matches_ = value == package_.name;
  if (key == "Architecture") {
    architecture_matches_ = package_.architecture.empty() || value == package_.architecture;
  }
  if (key == "Version" && name_matches_) version_ = CleanText(value, kNameBytesMax);
  if (name_matches_ && architecture_matches_ && !version_.empty()) found_ = version_;
  return !found_.empty();
}

bool PackageVersionReader::EndOfStanza() {
  name_matches_ = false;
  architecture_matches_ = package_.architecture.empty();
  version_.clear();
  return !found_.empty();
}

std::string SnapVersion(std::string_view yaml) {
  for (std::string_view line : Split(yaml, '\n')) {
    constexpr std::string_view kKey = "version:";
    if (!line.starts_with(kKey)) continue;
    line = Trim(line.substr(kKey.size()));
    if (line.size() >= 2 && (line.front() == '\'' || line.front() == '"')) {
      line = line.substr(1, line.size() - 2);
    }
    return CleanText(line, kNameBytesMax);
  }
  return {};
}

}  // namespace candor
