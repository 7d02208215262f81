#include "collector/query/sql_tables.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>

#include "candor/v1/envelope.pb.h"
#include "collector/query/coarse.h"
#include "collector/query/sql_network.h"
#include "collector/query/sql_software.h"
#include "collector/query/text.h"
#include "common/hash.h"

namespace candor {
namespace {

using Columns = std::span<const SqlColumn>;

constexpr auto kDevicesColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"agent", "TEXT", "version of its agent"},
    {"enrolled_day", "INTEGER", "days since 1970"},
    {"revoked", "INTEGER", "1 when it may no longer send"},
});
constexpr auto kLabelsColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"key", "TEXT", "department, location, …"},
    {"value", "TEXT", ""},
});
constexpr auto kInventoryColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"key", "TEXT", "os, kernel, model, …"},
    {"value", "TEXT", ""},
});
constexpr auto kScoresColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"model", "TEXT", "score model"},
    {"score", "REAL", "0 to 100; NULL where coverage is too low"},
    {"coverage", "REAL", "0 to 1"},
    {"provisional", "INTEGER", "1 when under 30 active minutes"},
    {"lost_min", "REAL", "minutes lost, rounded to 1, 2, 5, 10, 20, 50, …"},
});
constexpr auto kScoreMetricsColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"metric", "TEXT", "boot_s, rtt_ms, …"},
    {"value", "REAL", "in the unit its name carries; crashes and hangs per active day"},
    {"points", "REAL", "0 to 100"},
    {"lost", "REAL", "points of the score"},
});
constexpr auto kScoreDomainsColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"domain", "TEXT", "startup, reliability, …"},
    {"points", "REAL", "0 to 100"},
});
constexpr auto kTimeLostColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"cause", "TEXT", "boot, crash, offline, …"},
    {"minutes", "REAL", "rounded to 1, 2, 5, 10, 20, 50, … where it is a part of active time"},
});
constexpr auto kBootsColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"total_s", "REAL", "kernel start to login screen or default target"},
    {"passphrase_s", "REAL", "of it waiting for a disk passphrase"},
    {"firmware_s", "REAL", ""},
    {"loader_s", "REAL", ""},
    {"kernel_s", "REAL", ""},
    {"initrd_s", "REAL", ""},
    {"userspace_s", "REAL", ""},
    {"installed_updates", "INTEGER", "1 when it did"},
});
constexpr auto kCrashesColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"program", "TEXT", "'other' unless a package manager owns it"},
    {"version", "TEXT", ""},
    {"owned", "INTEGER", "1 when a package manager, flatpak or snap owns it"},
    {"signal", "INTEGER", ""},
    {"stack", "TEXT", "hash of module and function names"},
    {"times", "INTEGER", ""},
});
constexpr auto kSystemFailuresColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"kind", "TEXT", "PANIC, UNCLEAN_SHUTDOWN, …"},
    {"detail", "TEXT", ""},
});
constexpr auto kUnitFailuresColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"unit", "TEXT", ""},
    {"result", "TEXT", ""},
    {"times", "INTEGER", ""},
});
constexpr auto kHangsColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"application", "TEXT", ""},
    {"duration_s", "REAL", "rounded to 5, 10, 20, 50, …"},
});

const auto kTables = std::to_array<SqlTable>({
    {"boots", "boots, durations only", Columns(kBootsColumns),
     "SELECT d.device_id AS device, e.day AS day, candor_event(e.event, 'boot.total_s') AS "
     "total_s, "
     "candor_event(e.event, 'boot.passphrase_s') AS passphrase_s, "
     "candor_event(e.event, 'boot.firmware_s') AS firmware_s, "
     "candor_event(e.event, 'boot.loader_s') AS loader_s, "
     "candor_event(e.event, 'boot.kernel_s') AS kernel_s, "
     "candor_event(e.event, 'boot.initrd_s') AS initrd_s, "
     "candor_event(e.event, 'boot.userspace_s') AS userspace_s, "
     "candor_event(e.event, 'boot.installed_updates') AS installed_updates "
     "FROM event e JOIN device d ON d.no = e.device WHERE e.kind = 10"},
    {"crashes", "programs that ended by a fatal signal", Columns(kCrashesColumns),
     "SELECT d.device_id AS device, e.day AS day, candor_event(e.event, 'crash.program') AS "
     "program, candor_event(e.event, 'crash.version') AS version, "
     "candor_event(e.event, 'crash.owned') AS owned, "
     "candor_event(e.event, 'crash.signal') AS signal, "
     "candor_event(e.event, 'crash.stack') AS stack, "
     "candor_event(e.event, 'crash.times') AS times "
     "FROM event e JOIN device d ON d.no = e.device WHERE e.kind = 11"},
    {"devices", "every device that ever enrolled", Columns(kDevicesColumns),
     "SELECT device_id AS device, agent_version AS agent, enrolled_ms / 86400000 AS enrolled_day, "
     "revoked_ms IS NOT NULL AS revoked FROM device"},
    {"hangs", "windows that did not answer for five seconds or more", Columns(kHangsColumns),
     "SELECT d.device_id AS device, e.day AS day, "
     "candor_event(e.event, 'hang.application') AS application, "
     "candor_event(e.event, 'hang.duration_s') AS duration_s "
     "FROM event e JOIN device d ON d.no = e.device WHERE e.kind = 14"},
    {"inventory", "latest value of each property", Columns(kInventoryColumns),
     "SELECT d.device_id AS device, i.key AS key, i.value AS value FROM inventory i "
     "JOIN device d ON d.no = i.device WHERE i.value IS NOT NULL AND i.key NOT IN ('', 'host')"},
    {"labels", "what was said at enrolment", Columns(kLabelsColumns),
     "SELECT d.device_id AS device, l.key AS key, l.value AS value FROM device_label l "
     "JOIN device d ON d.no = l.device"},
    kNetworkSqlTable,
    {"score_domains", "points of each domain", Columns(kScoreDomainsColumns),
     "SELECT d.device_id AS device, s.day AS day, s.domain AS domain, s.points AS points "
     "FROM score_domain s JOIN device d ON d.no = s.device"},
    {"score_metrics", "what each score is made of", Columns(kScoreMetricsColumns),
     "SELECT d.device_id AS device, s.day AS day, s.metric AS metric, "
     "s.value, s.points, s.lost "
     "FROM score_metric s JOIN device d ON d.no = s.device"},
    {"scores", "one row a device-day", Columns(kScoresColumns),
     "SELECT d.device_id AS device, s.day AS day, s.model AS model, s.score AS score, "
     "s.coverage AS coverage, s.provisional AS provisional, "
     "candor_shown('', s.lost_min) AS lost_min "
     "FROM score s JOIN device d ON d.no = s.device"},
    kSoftwareSqlTable,
    kSoftwareChangesSqlTable,
    {"system_failures", "failures of the whole machine", Columns(kSystemFailuresColumns),
     "SELECT d.device_id AS device, e.day AS day, candor_event(e.event, 'failure.kind') AS kind, "
     "candor_event(e.event, 'failure.detail') AS detail "
     "FROM event e JOIN device d ON d.no = e.device WHERE e.kind = 13"},
    {"time_lost", "minutes lost by cause", Columns(kTimeLostColumns),
     "SELECT d.device_id AS device, t.day AS day, t.cause AS cause, "
     "candor_shown(t.cause, t.minutes) AS minutes "
     "FROM time_lost t JOIN device d ON d.no = t.device"},
    {"unit_failures", "services that failed", Columns(kUnitFailuresColumns),
     "SELECT d.device_id AS device, e.day AS day, candor_event(e.event, 'unit.name') AS unit, "
     "candor_event(e.event, 'unit.result') AS result, "
     "candor_event(e.event, 'unit.times') AS times "
     "FROM event e JOIN device d ON d.no = e.device WHERE e.kind = 12"},
});

void ResultText(sqlite3_context* context, const std::string& text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

// Leaves NULL where a stage was not measured.
void ResultSeconds(sqlite3_context* context, bool has, uint64_t count, double per_second) {
  if (has) sqlite3_result_double(context, static_cast<double>(count) / per_second);
}

void BootField(sqlite3_context* context, const v1::Boot& boot, std::string_view field) {
  constexpr double kUs = 1e6;
  if (field == "total_s") ResultSeconds(context, boot.has_total_us(), boot.total_us(), kUs);
  if (field == "firmware_s") {
    ResultSeconds(context, boot.has_firmware_us(), boot.firmware_us(), kUs);
  }
  if (field == "loader_s") ResultSeconds(context, boot.has_loader_us(), boot.loader_us(), kUs);
  if (field == "kernel_s") ResultSeconds(context, boot.has_kernel_us(), boot.kernel_us(), kUs);
  if (field == "initrd_s") ResultSeconds(context, boot.has_initrd_us(), boot.initrd_us(), kUs);
  if (field == "userspace_s") {
    ResultSeconds(context, boot.has_userspace_us(), boot.userspace_us(), kUs);
  }
  if (field == "passphrase_s") {
    ResultSeconds(context, boot.has_passphrase_us(), boot.passphrase_us(), kUs);
  }
  if (field == "installed_updates") sqlite3_result_int(context, boot.installed_updates() ? 1 : 0);
}

void CrashField(sqlite3_context* context, const v1::Crash& crash, std::string_view field) {
  if (field == "program") ResultText(context, crash.program());
  if (field == "version") ResultText(context, crash.version());
  if (field == "owned") sqlite3_result_int(context, crash.owned() ? 1 : 0);
  if (field == "signal") sqlite3_result_int64(context, crash.signal());
  if (field == "stack") ResultText(context, ToHex(crash.stack_signature()));
  if (field == "times") sqlite3_result_int64(context, 1 + int64_t{crash.repeats()});
}

std::string_view TextOf(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// candor_event(blob, 'kind.field'); NULL for another kind of event.
void EventFunction(sqlite3_context* context, int, sqlite3_value** arguments) {
  v1::Event event;
  if (!event.ParseFromArray(sqlite3_value_blob(arguments[0]), sqlite3_value_bytes(arguments[0]))) {
    return;
  }
  const std::string_view path = TextOf(arguments[1]);
  const std::string_view kind = path.substr(0, path.find('.'));
  const std::string_view field = path.substr(std::min(path.size(), kind.size() + 1));
  if (kind == "boot" && event.has_boot_done()) {
    BootField(context, event.boot_done(), field);
  } else if (kind == "crash" && event.has_crash()) {
    CrashField(context, event.crash(), field);
  } else if (kind == "failure" && event.has_system_failure()) {
    const v1::SystemFailure& failure = event.system_failure();
    ResultText(context,
               field == "kind" ? v1::SystemFailure::Kind_Name(failure.kind()) : failure.detail());
  } else if (kind == "unit" && event.has_unit_failure()) {
    const v1::UnitFailure& failure = event.unit_failure();
    if (field == "times") return sqlite3_result_int64(context, 1 + int64_t{failure.repeats()});
    ResultText(context, field == "name" ? failure.unit() : failure.result());
  } else if (kind == "hang" && event.has_hang()) {
    if (field == "duration_s") {
      // Their sum ÷ hang_pct would be the active time.
      const double duration_s = static_cast<double>(event.hang().duration_ms()) / 1e3;
      return sqlite3_result_double(context, CoarseAmount(duration_s));
    }
    ResultText(context, event.hang().application());
  }
}

// candor_shown(cause, minutes): minutes lost as they may be shown of one device, see coarse.h. NULL
// stays NULL.
void ShownFunction(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[1]) == SQLITE_NULL) return;
  sqlite3_result_double(context,
                        ShownMinutes(TextOf(arguments[0]), sqlite3_value_double(arguments[1])));
}

}  // namespace

std::span<const SqlTable> SqlTables() { return kTables; }

const SqlTable* FindSqlTable(std::string_view name) {
  const auto at = std::find_if(kTables.begin(), kTables.end(), [&](const SqlTable& table) {
    return EqualsIgnoreCase(table.name, name);
  });
  return at == kTables.end() ? nullptr : &*at;
}

absl::Status RegisterTableFunctions(Database& db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  const auto add = [&](const char* name, int arguments, auto function) {
    return sqlite3_create_function_v2(db.handle(), name, arguments, kFlags, nullptr, function,
                                      nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  if (!add("candor_event", 2, &EventFunction) || !add("candor_shown", 2, &ShownFunction) ||
      !add("candor_network", 2, &NetworkSqlFunction) ||
      !add("candor_software", 1, &SoftwareSqlFunction)) {
    return absl::InternalError("SQLite does not take a function");
  }
  return absl::OkStatus();
}

}  // namespace candor
