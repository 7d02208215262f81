// `candor timeline HOST`: technical faults and changes of one device, in order: crashes, failed
// services, failures of the machine, hangs, changes of hardware, system and installed software,
// troubles of the agent. No boots, sign-ins, wake-ups or links: when somebody works is nobody's
// business. What is found out when a laptop starts (changes, and that it went down hard) has a day
// and no time; so has what is installed, which somebody may have done.
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/coarse.h"
#include "collector/query/facts_scan.h"
#include "collector/query/reasons.h"
#include "collector/query/software.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

// Packages that changed together are rows of their own up to here.
constexpr int kPackagesShownMax = 8;

Table TimelineTable() {
  Table table;
  table.name = "timeline";
  table.title = "Faults and changes";
  Column time = TimeColumn("time", "time");
  time.decimals = 0;  // the day stands beside it
  table.columns = {DayColumn("day", "day"),        std::move(time),
                   TextColumn("what", "what"),     TextColumn("name", "name"),
                   TextColumn("detail", "detail"), IntegerColumn("times", "times").Rank(1)};
  return table;
}

std::string FailureInWords(v1::SystemFailure::Kind kind) {
  switch (kind) {
    case v1::SystemFailure::PANIC:
      return "kernel panic";
    case v1::SystemFailure::UNCLEAN_SHUTDOWN:
      return "unclean shutdown";
    case v1::SystemFailure::GPU_RESET:
      return "graphics reset";
    case v1::SystemFailure::OUT_OF_MEMORY_KILL:
      return "killed for want of memory";
    case v1::SystemFailure::HUNG_TASK:
      return "hung task";
    default:
      return "system failure";
  }
}

// Rounded: lengths of hangs ÷ their share of active time would be the active time.
int64_t ShownHangMs(const v1::Hang& hang) {
  return std::llround(CoarseAmount(static_cast<double>(hang.duration_ms()) / kMsPerSecond) *
                      kMsPerSecond);
}

// How long a loop of failures went on; nothing for a single one.
std::string During(uint64_t span_ms) {
  if (span_ms == 0) return {};
  return Concat(", within ", FormatDuration(static_cast<int64_t>(span_ms)));
}

class Timeline {
 public:
  explicit Timeline(Table& table) : table_(table) {}

  void Add(const EventRow& row, const v1::Event& event) {
    switch (event.what_case()) {
      case v1::Event::kCrash:
        return Push(row, row.wall_ms, "crash", event.crash().program(),
                    Concat(event.crash().version(), event.crash().version().empty() ? "" : ", ",
                           "signal ", event.crash().signal(), During(event.crash().span_ms())),
                    1 + int64_t{event.crash().repeats()});
      case v1::Event::kUnitFailure:
        return Push(row, row.wall_ms, "service failed", event.unit_failure().unit(),
                    Concat(event.unit_failure().result(), During(event.unit_failure().span_ms())),
                    1 + int64_t{event.unit_failure().repeats()});
      case v1::Event::kSystemFailure:
        return AddSystemFailure(row, event.system_failure());
      case v1::Event::kHang:
        return Push(row, row.wall_ms, "hang", event.hang().application(),
                    FormatDuration(ShownHangMs(event.hang())), 1);
      case v1::Event::kInventory:
        return AddChanges(row, event.inventory());
      case v1::Event::kSoftwareChange:
        return AddSoftware(row, event.software_change());
      case v1::Event::kAgentNotice:
        return Push(row, row.wall_ms, "agent", event.agent_notice().code(),
                    event.agent_notice().text(), 1);
      default:
        return;
    }
  }

 private:
  void Push(const EventRow& row, std::optional<int64_t> wall_ms, std::string what, std::string name,
            std::string detail, int64_t times) {
    table_.rows.push_back(
        {row.day, ToCell(wall_ms), std::move(what), std::move(name), std::move(detail), times});
  }

  void AddSystemFailure(const EventRow& row, const v1::SystemFailure& failure) {
    const bool found_at_start = failure.kind() == v1::SystemFailure::UNCLEAN_SHUTDOWN ||
                                failure.kind() == v1::SystemFailure::PANIC;
    Push(row, found_at_start ? std::nullopt : std::optional(row.wall_ms),
         FailureInWords(failure.kind()), failure.detail(), "", 1);
  }

  // What the device told before is known here only inside the period: the first value is silent.
  void AddChanges(const EventRow& row, const v1::Inventory& inventory) {
    for (const v1::Inventory::Property& property : inventory.set()) {
      auto [at, is_new] = known_.try_emplace(property.key(), property.value());
      if (is_new || at->second == property.value()) continue;
      Push(row, std::nullopt, "change", property.key(), Concat(at->second, " → ", property.value()),
           1);
      at->second = property.value();
    }
    for (const std::string& key : inventory.unset()) {
      if (known_.erase(key) != 0) Push(row, std::nullopt, "change", key, "gone", 1);
    }
  }

  // Of many at once, as of an upgrade of the whole system, how many: `candor software` has them
  // all.
  void AddSoftware(const EventRow& row, const v1::SoftwareChange& software) {
    if (software.changes_size() > kPackagesShownMax) {
      return Push(row, std::nullopt, "software", software.manager(),
                  Concat(software.changes_size(), " packages"), software.changes_size());
    }
    for (const v1::SoftwareChange::Change& change : software.changes()) {
      Push(row, std::nullopt, "software", change.name(), SoftwareChangeText(change), 1);
    }
  }

  Table& table_;
  std::map<std::string, std::string> known_;
};

// That nothing is listed means something only where somebody was looking.
absl::Status AddNotes(ViewContext& context, const ViewRequest& request, Table& table) {
  bool reported = false;
  CANDOR_RETURN_IF_ERROR(ForEachDayFact(
      context, request, [&](int64_t, int64_t, const store::v1::FactSet&) { reported = true; }));
  if (!reported && table.rows.empty()) {
    table.notes.emplace_back("nothing was reported in this period");
    return absl::OkStatus();
  }
  CANDOR_ASSIGN_OR_RETURN(const Reasons reasons, Reasons::Load(context.db, request.device->no));
  bool unwatched = false;
  for (const EventEntry& entry : Events()) {
    const bool fault = entry.number == event::kCrash || entry.number == event::kUnitFailure ||
                       entry.number == event::kSystemFailure || entry.number == event::kHang;
    const std::string reason = fault ? reasons.OfEvent(entry.number) : std::string();
    if (reason.empty()) continue;
    unwatched = true;
    table.notes.push_back(Concat("not measured: ", entry.name, ": ", reason));
  }
  if (!table.rows.empty()) return absl::OkStatus();
  table.notes.emplace_back(unwatched ? "nothing of what is measured went wrong, and nothing changed"
                                     : "nothing went wrong and nothing changed");
  return absl::OkStatus();
}

}  // namespace

Answer AnswerTimeline(ViewContext& context, const ViewRequest& request) {
  Table table = TimelineTable();
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  table.title = Concat("Faults and changes of ", request.device->host);
  Timeline timeline(table);
  CANDOR_RETURN_IF_ERROR(
      ForEachEvent(context, request,
                   {event::kCrash, event::kUnitFailure, event::kSystemFailure, event::kHang,
                    event::kInventory, event::kSoftwareChange, event::kAgentNotice},
                   [&](const EventRow& row, const v1::Event& event) { timeline.Add(row, event); }));
  CANDOR_RETURN_IF_ERROR(AddNotes(context, request, table));
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
