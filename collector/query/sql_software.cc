#include "collector/query/sql_software.h"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

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

std::string JsonText(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      json += escaped;
      continue;
    }
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

std::string JsonVersion(std::string_view version) {
  return version.empty() ? "null" : JsonText(version);
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
  std::string json = "[";
  for (const v1::SoftwareChange::Change& change : event.software_change().changes()) {
    if (json.size() > 1) json += ",";
    json += "[" + JsonText(event.software_change().manager()) + "," + JsonText(change.name()) +
            "," + JsonVersion(change.before()) + "," + JsonVersion(change.after()) + "]";
  }
  json += "]";
  sqlite3_result_text64(context, json.data(), json.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace candor
