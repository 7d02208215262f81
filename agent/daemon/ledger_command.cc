#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "agent/daemon/commands.h"
#include "agent/daemon/control_client.h"
#include "agent/daemon/event_fields.h"
#include "agent/spool/tally.h"
#include "agent/windows/window_set.h"
#include "candor/v1/envelope.pb.h"
#include "candor/v1/local.pb.h"
#include "common/batch.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

using nlohmann::ordered_json;

ordered_json TimeOrNull(int64_t wall_ms) {
  return wall_ms == 0 ? ordered_json() : ordered_json(FormatTime(wall_ms));
}

std::string StateOf(const v1::LedgerEntry& entry) {
  if (!entry.refused().empty()) return entry.refused();
  return entry.acked_wall_ms() == 0 ? "not acknowledged yet" : "acknowledged";
}

// What a batch held, in a line.
std::string Summary(const v1::LedgerEntry& entry) {
  if (!entry.digest().empty()) return entry.digest();
  v1::SealedBatch batch;
  if (!ParseSealed(entry.sealed(), batch).ok()) return "its bytes cannot be read";
  Tally tally;
  if (batch.has_tombstone()) {
    tally.Add(batch.tombstone());
    return "told what had to be dropped: " + tally.Text();
  }
  v1::Contents contents;
  if (!ParseContents(batch, contents).ok()) return "its bytes cannot be read";
  tally.Add(contents);
  return absl::StrCat(contents.minutes().wall_min_delta_size(), " minutes: ", tally.Text());
}

ordered_json OverviewRow(const v1::LedgerEntry& entry) {
  ordered_json row;
  row["seq"] = entry.seq() == 0 ? ordered_json() : ordered_json(entry.seq());
  row["sent_at"] = TimeOrNull(entry.sent_wall_ms());
  row["acknowledged_at"] = TimeOrNull(entry.acked_wall_ms());
  row["bytes"] = entry.size();
  row["state"] = entry.digest().empty() ? StateOf(entry) : "a day's digest";
  row["held"] = Summary(entry);
  return row;
}

std::string WindowText(const Window& window, const MetricEntry& metric) {
  const Histogram& h = window.histogram;
  if (metric.kind != MetricKind::kDistribution || h.empty()) return {};
  const double steps = metric.steps_per_unit;
  return absl::StrCat("median of ", h.count(), ", ", static_cast<double>(h.min()) / steps, " to ",
                      static_cast<double>(h.max()) / steps);
}

ordered_json WindowRow(const Minute& minute, const Window& window) {
  ordered_json row;
  row["at"] = FormatTime(minute.wall_min * 60'000);
  const auto* metric = FindMetric(window.metric);
  row["name"] =
      metric != nullptr ? std::string(metric->name) : absl::StrCat("metric ", window.metric);
  row["subject"] = window.subject;
  const auto value = DisplayValue(window);
  row["value"] = value ? ordered_json(*value) : ordered_json();
  row["unit"] = metric != nullptr && metric->unit != "1" ? std::string(metric->unit) : "";
  row["detail"] = metric != nullptr ? WindowText(window, *metric) : "";
  row["why"] = metric != nullptr ? std::string(metric->reason) : "";
  return row;
}

ordered_json EventRow(const v1::Event& event) {
  ordered_json row;
  row["at"] = FormatTime(event.wall_ms());
  const auto* entry = FindEvent(static_cast<uint32_t>(event.what_case()));
  row["name"] = entry != nullptr ? std::string(entry->name) : "event of a kind unknown here";
  row["subject"] = "";
  row["value"] = ordered_json();
  row["unit"] = "";
  row["detail"] = EventFields(event);
  row["why"] = entry != nullptr ? std::string(entry->reason) : "";
  return row;
}

// How a minute counted is told too: it left the laptop like the rest.
ordered_json MinuteRow(const Minute& minute) {
  static constexpr const char* kActivity[] = {"not in use", "in use, by input",
                                              "in use, somebody was logged in",
                                              "in use, the machine was up"};
  ordered_json row;
  row["at"] = FormatTime(minute.wall_min * 60'000);
  row["name"] = "minute";
  row["subject"] = "";
  row["value"] = minute.observed_s;
  row["unit"] = "s";
  row["detail"] = absl::StrCat("watched; ", kActivity[static_cast<size_t>(minute.activity) % 4]);
  row["why"] = "what happened counts only where somebody was waiting for the machine";
  return row;
}

absl::StatusOr<std::vector<ordered_json>> BatchRows(const v1::LedgerEntry& entry) {
  v1::SealedBatch batch;
  CANDOR_RETURN_IF_ERROR(ParseSealed(entry.sealed(), batch));
  if (batch.has_tombstone()) return std::vector<ordered_json>{OverviewRow(entry)};
  v1::Contents contents;
  CANDOR_RETURN_IF_ERROR(ParseContents(batch, contents));
  CANDOR_ASSIGN_OR_RETURN(const auto minutes, DecodeWindows(contents));
  std::vector<ordered_json> rows;
  for (const auto& event : contents.events()) rows.push_back(EventRow(event));
  for (const auto& minute : minutes) {
    rows.push_back(MinuteRow(minute.minute));
    for (const Window& window : minute.windows) rows.push_back(WindowRow(minute.minute, window));
  }
  return rows;
}

const std::vector<OutputColumn>& OverviewColumns() {
  static const std::vector<OutputColumn> columns = {{"seq", "BATCH", true},
                                                    {"sent_at", "SENT"},
                                                    {"bytes", "BYTES", true},
                                                    {"state", "STATE"},
                                                    {"held", "WHAT IT HELD", false, 72}};
  return columns;
}

const std::vector<OutputColumn>& BatchColumns() {
  static const std::vector<OutputColumn> columns = {{"at", "AT"},
                                                    {"name", "WHAT"},
                                                    {"subject", "SUBJECT"},
                                                    {"value", "VALUE", true},
                                                    {"unit", "UNIT"},
                                                    {"detail", "DETAIL", false, 44},
                                                    {"why", "WHY", false, 44}};
  return columns;
}

// Why something is collected is said where it comes first, not in each of a thousand rows.
void SayWhyOnce(std::vector<ordered_json>& rows) {
  std::set<std::string> said;
  for (ordered_json& row : rows) {
    if (row.contains("why") && !said.insert(row["name"].get<std::string>()).second) row["why"] = "";
  }
}

}  // namespace

absl::Status RunLedger(const AgentSettings& settings, const LedgerOptions& options,
                       OutputFormat format, const Clock& clock) {
  v1::ControlRequest request;
  request.mutable_ledger()->set_limit(options.seq != 0 ? 1 : options.limit);
  request.mutable_ledger()->set_seq(options.seq);
  std::vector<ordered_json> rows;
  absl::Status failure;
  CANDOR_RETURN_IF_ERROR(
      AskDaemon(settings.control_socket(), request, [&](const v1::ControlReply& reply) {
        if (options.seq == 0) {
          rows.push_back(OverviewRow(reply.entry()));
          return;
        }
        auto batch = BatchRows(reply.entry());
        failure = batch.status();
        if (batch.ok()) rows = std::move(*batch);
      }));
  CANDOR_RETURN_IF_ERROR(failure);
  if (options.seq != 0 && rows.empty()) {
    return absl::NotFoundError(
        absl::StrCat("batch ", options.seq, " was not sent, or its bytes are kept no longer"));
  }
  if (format == OutputFormat::kTable) SayWhyOnce(rows);
  const std::string text =
      format == OutputFormat::kJson
          ? FormatJson(rows, clock.WallMs())
          : FormatTable(options.seq != 0 ? BatchColumns() : OverviewColumns(), rows);
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace candor
