#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "agent/daemon/commands.h"
#include "agent/daemon/control_client.h"
#include "agent/daemon/measured_rows.h"
#include "candor/v1/local.pb.h"
#include "common/hash.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

using nlohmann::ordered_json;

std::string EpochText(uint64_t epoch) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(epoch >> (56 - 8 * i));
  return ToHex(bytes);
}

ordered_json TimeOrNull(int64_t wall_ms) {
  return wall_ms == 0 ? ordered_json() : ordered_json(FormatTime(wall_ms));
}

ordered_json StatusRow(const v1::Status& status) {
  ordered_json row;
  row["version"] = status.version();
  row["device"] = status.device().empty() ? ordered_json() : ordered_json(status.device());
  row["collector"] = status.collector().empty() ? ordered_json() : ordered_json(status.collector());
  row["started_at"] = TimeOrNull(status.started_wall_ms());
  row["epoch"] = EpochText(status.epoch());
  row["first_held"] = status.first_held();
  row["last_sealed"] = status.last_sealed();
  row["spool_bytes"] = status.spool_bytes();
  row["spool_bytes_max"] = status.spool_bytes_max();
  row["dropped_batches"] = status.dropped_batches();
  row["spool_failure"] =
      status.spool_failure().empty() ? ordered_json() : ordered_json(status.spool_failure());
  row["spool_in_memory"] = status.spool_in_memory();
  row["spool_lost"] = status.spool_lost();
  row["last_push_at"] = TimeOrNull(status.last_push_wall_ms());
  row["last_push_outcome"] = status.last_push_outcome();
  row["next_push_at"] = TimeOrNull(status.next_push_wall_ms());
  row["cpu_s"] = static_cast<double>(status.cpu_us()) / 1e6;
  row["rss_kib"] = status.rss_kib();
  row["measured"] = MeasuredRows(status.measured());
  return row;
}

std::string Ago(int64_t wall_ms, int64_t now_ms) {
  return FormatDuration(std::max<int64_t>(now_ms - wall_ms, 0)) + " ago";
}

std::string PushText(const v1::Status& status, int64_t now_ms) {
  const std::string next = absl::StrCat(
      "next in ", FormatDuration(std::max<int64_t>(status.next_push_wall_ms() - now_ms, 0)));
  if (status.last_push_wall_ms() == 0) return "none yet, " + next;
  return absl::StrCat(Ago(status.last_push_wall_ms(), now_ms), ": ", status.last_push_outcome(),
                      "; ", next);
}

std::string IdentityText(const v1::Status& status) {
  if (status.device().empty()) {
    return status.last_push_wall_ms() == 0 ? "known with the first push, in some seconds"
                                           : "not enrolled; measurements wait here";
  }
  return absl::StrCat(status.device(), " of the fleet at ", status.collector());
}

std::string HeldText(uint64_t batches) {
  if (batches == 0) return "nothing waits to be sent";
  return absl::StrCat(batches, batches == 1 ? " batch waits" : " batches wait", " to be sent");
}

// An event has no value: when it was last seen stands in its place.
std::vector<ordered_json> RowsForPeople(const v1::Status& status, int64_t now_ms) {
  std::vector<ordered_json> rows = MeasuredRows(status.measured());
  for (ordered_json& row : rows) {
    if (!row["value"].is_null() || !row["unmeasured"].is_null() || row["at"].is_null()) continue;
    const absl::StatusOr<int64_t> at = ParseTime(row["at"].get<std::string>());
    if (at.ok()) row["value"] = Ago(*at, now_ms);
  }
  return rows;
}

std::string StatusText(const v1::Status& status, int64_t now_ms) {
  const uint64_t held = status.last_sealed() + 1 - status.first_held();
  std::string text =
      absl::StrCat("candor-agent ", status.version(), ", running for ",
                   FormatDuration(std::max<int64_t>(now_ms - status.started_wall_ms(), 0)), "\n");
  absl::StrAppend(&text, "device      ", IdentityText(status), "\n");
  absl::StrAppend(&text, "last push   ", PushText(status, now_ms), "\n");
  absl::StrAppend(&text, "spool       ", FormatBytes(status.spool_bytes()), " of ",
                  FormatBytes(status.spool_bytes_max()), ", ", HeldText(held), ", epoch ",
                  EpochText(status.epoch()), ", ", status.dropped_batches(), " batches dropped\n");
  if (!status.spool_failure().empty()) {
    absl::StrAppend(&text, "            takes nothing (", status.spool_failure(),
                    "): measuring goes on in memory, ", status.spool_in_memory(), " held, ",
                    status.spool_lost(), " lost\n");
  }
  absl::StrAppend(&text, "own cost    ",
                  FormatDuration(static_cast<int64_t>(status.cpu_us() / 1000)), " of CPU so far, ",
                  FormatBytes(status.rss_kib() * 1024), " of memory\n\n");
  return text;
}

}  // namespace

absl::Status RunStatus(const AgentSettings& settings, OutputFormat format, const Clock& clock) {
  v1::ControlRequest request;
  request.mutable_status();
  v1::Status status;
  CANDOR_RETURN_IF_ERROR(
      AskDaemon(settings.control_socket(), request,
                [&](const v1::ControlReply& reply) { status = reply.status(); }));
  if (format == OutputFormat::kJson) {
    std::fputs(FormatJson({StatusRow(status)}, clock.WallMs()).c_str(), stdout);
    return absl::OkStatus();
  }
  const int64_t now_ms = clock.WallMs();
  const std::string text =
      StatusText(status, now_ms) + FormatTable(MeasuredColumns(), RowsForPeople(status, now_ms));
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace candor
