#include "collector/query/software.h"

#include <map>
#include <utility>
#include <vector>

#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

// '*' stands for any text, '?' for one byte.
bool MatchesWhole(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t star = std::string_view::npos;
  size_t behind_star = 0;  // where the text goes on that the last star took
  size_t i = 0;
  while (i < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      behind_star = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++behind_star;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

struct KnownName {
  int64_t no = 0;
  std::string manager;
  std::string name;
};

absl::StatusOr<std::vector<KnownName>> NamesMatching(Database& db, const SoftwarePattern& pattern) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT no, manager, name FROM software_name WHERE name <> '' "
                                     "ORDER BY name, manager"));
  std::vector<KnownName> names;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return names;
    if (!pattern.Matches(select.Text(2))) continue;
    names.push_back({select.Int(0), std::string(select.Text(1)), std::string(select.Text(2))});
  }
}

// Which numbers of devices are asked for.
absl::StatusOr<std::vector<bool>> DevicesAskedFor(ViewContext& context,
                                                  const ViewRequest& request) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> all, LoadDevices(context.db));
  std::vector<bool> asked;
  for (const DeviceInfo& device : all) {
    const bool chosen =
        request.device ? request.device->no == device.no
                       : !device.revoked &&
                             (!request.only_devices || request.only_devices->contains(device.no));
    const auto no = static_cast<size_t>(device.no);
    if (asked.size() <= no) asked.resize(no + 1);
    asked[no] = chosen;
  }
  return asked;
}

// Walks one name's rows, which lie in the order of versions.
class NameWalk {
 public:
  NameWalk(const KnownName& name, const std::map<int64_t, std::string>& versions,
           const std::function<void(const InstalledVersion& installed)>& fn)
      : name_(name), versions_(versions), fn_(fn) {}

  void Add(int64_t version, int64_t device) {
    if (version != version_) Tell();
    version_ = version;
    devices_.push_back(device);
  }
  void Tell() {
    const auto text = versions_.find(version_);
    if (!devices_.empty() && text != versions_.end()) {
      fn_({name_.manager, name_.name, text->second, devices_});
    }
    devices_.clear();
  }

 private:
  const KnownName& name_;
  const std::map<int64_t, std::string>& versions_;
  const std::function<void(const InstalledVersion& installed)>& fn_;
  int64_t version_ = 0;
  std::vector<int64_t> devices_;
};

absl::StatusOr<std::map<int64_t, std::string>> AllVersions(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT no, version FROM software_version"));
  std::map<int64_t, std::string> versions;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return versions;
    versions.emplace(select.Int(0), select.Text(1));
  }
}

}  // namespace

absl::StatusOr<SoftwarePattern> SoftwarePattern::Parse(std::string_view text) {
  if (text.size() > kBytesMax) {
    return absl::InvalidArgumentError(
        Concat("the name of software is longer than ", kBytesMax, " bytes"));
  }
  SoftwarePattern pattern;
  pattern.text_ = ToLower(text);
  pattern.whole_ = text.find_first_of("*?") != std::string_view::npos;
  return pattern;
}

bool SoftwarePattern::Matches(std::string_view name) const {
  const std::string lower = ToLower(name);
  return whole_ ? MatchesWhole(text_, lower) : lower.find(text_) != std::string::npos;
}

absl::Status ForEachInstalled(ViewContext& context, const ViewRequest& request,
                              const SoftwarePattern& pattern,
                              const std::function<void(const InstalledVersion& installed)>& fn) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<bool> asked, DevicesAskedFor(context, request));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<KnownName> names, NamesMatching(context.db, pattern));
  CANDOR_ASSIGN_OR_RETURN(const auto versions, AllVersions(context.db));
  const char* of_one =
      "SELECT version, device FROM software WHERE name = ?1 AND device = ?2 AND "
      "version IS NOT NULL";
  const char* of_all =
      "SELECT version, device FROM software INDEXED BY software_where WHERE "
      "name = ?1 AND version IS NOT NULL ORDER BY version";
  CANDOR_ASSIGN_OR_RETURN(Statement select, context.db.Prepare(request.device ? of_one : of_all));
  uint64_t done = 0;
  for (const KnownName& name : names) {
    if (context.progress) {
      CANDOR_RETURN_IF_ERROR(context.progress("reading software", done++, names.size()));
    }
    if (request.device) {
      select.BindAll(name.no, request.device->no);
    } else {
      select.BindAll(name.no);
    }
    NameWalk walk(name, versions, fn);
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
      if (!more) break;
      const auto device = static_cast<size_t>(select.Int(1));
      if (device < asked.size() && asked[device]) walk.Add(select.Int(0), select.Int(1));
    }
    walk.Tell();
  }
  return absl::OkStatus();
}

std::string SoftwareChangeText(const v1::SoftwareChange::Change& change) {
  if (change.before().empty()) return Concat("new: ", change.after());
  return Concat(change.before(), " → ", change.after().empty() ? "gone" : change.after());
}

}  // namespace candor
