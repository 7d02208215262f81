#include "collector/query/sql_software.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "candor/v1/envelope.pb.h"

namespace candor {
namespace {

constexpr auto kSoftwareColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"manager", "TEXT", "deb, flatpak, pacman, snap"},
    {"name", "TEXT", ""},
    {"version", "TEXT", ""},
});
constexpr auto kSoftwareChangesColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day on which it was found, days since 1970"},
    {"manager", "TEXT", "deb, flatpak, pacman, snap"},
    {"name", "TEXT", ""},
    {"before", "TEXT", "version; NULL: it was not there"},
    {"after", "TEXT", "version; NULL: it is there no more"},
});

using nlohmann::json;

json VersionOrNull(const std::string& version) {
  return version.empty() ? json(nullptr) : json(version);
}

}  // namespace

const SqlTable kSoftwareSqlTable = {
    "software", "what package managers have installed, as last told", kSoftwareColumns,
    "SELECT d.device_id AS device, n.manager AS manager, n.name AS name, v.version AS version "
    "FROM software s JOIN device d ON d.no = s.device JOIN software_name n ON n.no = s.name "
    "JOIN software_version v ON v.no = s.version"};

const SqlTable kSoftwareChangesSqlTable = {
    "software_changes", "what was installed, updated or removed", kSoftwareChangesColumns,
    "SELECT d.device_id AS device, e.day AS day, json_extract(c.value, '$[0]') AS manager, "
    "json_extract(c.value, '$[1]') AS name, json_extract(c.value, '$[2]') AS before, "
    "json_extract(c.value, '$[3]') AS after "
    "FROM event e JOIN device d ON d.no = e.device JOIN json_each(candor_software(e.event)) c "
    "WHERE e.kind = 21"};

void SoftwareSqlFunction(sqlite3_context* context, int, sqlite3_value** arguments) {
  v1::Event event;
  if (!event.ParseFromArray(sqlite3_value_blob(arguments[0]), sqlite3_value_bytes(arguments[0])) ||
      !event.has_software_change()) {
    return;
  }
  json rows = json::array();
  for (const v1::SoftwareChange::Change& change : event.software_change().changes()) {
    rows.push_back({event.software_change().manager(), change.name(),
                    VersionOrNull(change.before()), VersionOrNull(change.after())});
  }
  // Text of an agent that is not quite UTF-8 must not end the question.
  const std::string text = rows.dump(-1, ' ', false, json::error_handler_t::replace);
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace candor
