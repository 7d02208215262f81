#include "collector/query/software.h"

#include <set>
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

absl::StatusOr<std::set<int64_t>> DevicesAskedFor(ViewContext& context,
                                                  const ViewRequest& request) {
  if (request.device) return std::set<int64_t>{request.device->no};
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> all, LoadDevices(context.db));
  std::set<int64_t> devices;
  for (const DeviceInfo& device : all) {
    const bool chosen = !request.only_devices || request.only_devices->contains(device.no);
    if (chosen && !device.revoked) devices.insert(device.no);
  }
  return devices;
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
                              const std::function<void(const InstalledRow& row)>& fn) {
  CANDOR_ASSIGN_OR_RETURN(const std::set<int64_t> devices, DevicesAskedFor(context, request));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<KnownName> names, NamesMatching(context.db, pattern));
  const char* of_one =
      "SELECT s.device, v.version FROM software s JOIN software_version v ON v.no = s.version "
      "WHERE s.name = ?1 AND s.device = ?2";
  const char* of_all =
      "SELECT s.device, v.version FROM software s INDEXED BY software_where JOIN "
      "software_version v ON v.no = s.version WHERE s.name = ?1 AND s.version IS NOT NULL";
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
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
      if (!more) break;
      if (!devices.contains(select.Int(0))) continue;
      fn({select.Int(0), name.manager, name.name, select.Text(1)});
    }
  }
  return absl::OkStatus();
}

std::string SoftwareChangeText(const v1::SoftwareChange::Change& change) {
  if (change.before().empty()) return Concat("new: ", change.after());
  return Concat(change.before(), " → ", change.after().empty() ? "gone" : change.after());
}

}  // namespace candor
