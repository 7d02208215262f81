// `candor device HOST`: one page about one laptop. Its score and parts, every measured value, every
// unmeasured one with the reason, boots, crashes, services, its last days and its inventory.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/coarse.h"
#include "collector/query/facts_scan.h"
#include "collector/query/measured.h"
#include "collector/query/score_day.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "collector/store/losses.h"
#include "common/inventory_keys.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr size_t kDaysShown = 14;
constexpr size_t kBootsShown = 5;

// A device-day as the page lists it.
struct ListedDay {
  int64_t day = 0;
  std::optional<double> score;
  double coverage = 0;
  bool provisional = false;
  double shown_lost_min = 0;
  std::string model;
};

absl::StatusOr<std::vector<ListedDay>> LoadDays(ViewContext& context, const ViewRequest& request) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT day, score, coverage, provisional, lost_min, model FROM score "
                         "WHERE device = ? AND day BETWEEN ? AND ? ORDER BY day"));
  select.BindAll(request.device->no, request.period.from_day, request.period.to_day);
  std::vector<ListedDay> days;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return days;
    ListedDay& day = days.emplace_back();
    day.day = select.Int(0);
    if (!select.IsNull(1)) day.score = select.Real(1);
    day.coverage = select.Real(2);
    day.provisional = select.Int(3) != 0;
    day.shown_lost_min = CoarseAmount(select.Real(4));
    day.model = std::string(select.Text(5));
  }
}

Table DeviceTable() {
  Table table;
  table.name = "device";
  table.record = true;
  table.columns = {TextColumn("host", "host").Key(),
                   TextColumn("device", "device"),
                   ScoreColumn("score", "score"),
                   TextColumn("grade", "grade"),
                   TextColumn("state", "state").Style(ColumnStyle::kStatus),
                   DayColumn("score_day", "day of the score"),
                   BooleanColumn("provisional", "provisional"),
                   NumberColumn("coverage", "coverage", 2),
                   SeriesColumn("trend", "trend"),
                   NumberColumn("lost_min_per_day", "minutes lost a day"),
                   TextColumn("model", "model"),
                   TextColumn("os", "system"),
                   TextColumn("kernel", "kernel"),
                   TextColumn("agent", "agent"),
                   TimeColumn("last_seen", "last seen"),
                   TextColumn("score_model", "scored by").Hidden()};
  return table;
}

// Scores of the days that count: of the last day's model, and of those before the trend broke.
struct DeviceTrend {
  Series series;
  Series before;
  std::vector<std::string> notes;
};
DeviceTrend TrendOf(const std::vector<ListedDay>& days, const Period& period) {
  const Series nothing(static_cast<size_t>(period.days()),
                       std::numeric_limits<double>::quiet_NaN());
  DeviceTrend trend{nothing, {}, {}};
  const ListedDay* last = nullptr;
  for (const ListedDay& day : days) {
    if (!day.score || day.provisional) continue;
    if (last != nullptr && last->model != day.model) {
      if (trend.before.empty()) trend.before = nothing;
      for (size_t i = 0; i < nothing.size(); ++i) {
        if (!std::isnan(trend.series[i]))
          trend.before[i] = std::exchange(trend.series[i], nothing[i]);
      }
      trend.notes.push_back(Concat("scored from ", FormatDay(day.day), " on by ", day.model,
                                   ": days before are not comparable and stand apart in "
                                   "trend_before"));
    }
    trend.series[static_cast<size_t>(day.day - period.from_day)] = *day.score;
    last = &day;
  }
  return trend;
}

// Mean over the days that count.
std::optional<double> LostPerDay(const std::vector<ListedDay>& days) {
  double minutes = 0;
  int counted = 0;
  for (const ListedDay& day : days) {
    if (day.provisional) continue;
    minutes += day.shown_lost_min;
    ++counted;
  }
  if (counted == 0) return std::nullopt;
  return minutes / counted;
}

std::string StateText(const DeviceInfo& device, const Losses& losses,
                      const std::optional<ScoreDay>& score, const Model& model, int64_t now_ms) {
  if (device.revoked) return "revoked";
  if (losses.forked_epochs > 0) {
    return "forked: two laptops with one identity, or a restored disk";
  }
  if (!score) return "no score yet: nothing measured";
  if (!score->score) return MissingScoreText(*score, model, now_ms);
  return score->provisional ? ProvisionalText(model) : "ok";
}

Cell Property(const Properties& properties, std::string_view key) {
  for (const auto& [name, value] : properties) {
    if (name == key) return value;
  }
  return std::monostate{};
}

struct Page {
  Losses losses;
  Properties labels;
  Properties inventory;
  std::vector<ListedDay> days;
  std::optional<ScoreDay> score;
  std::shared_ptr<const Model> model;
  int64_t now_ms = 0;
};

absl::StatusOr<Page> LoadPage(ViewContext& context, const ViewRequest& request) {
  Page page;
  page.now_ms = context.now_ms;
  const int64_t no = request.device->no;
  CANDOR_ASSIGN_OR_RETURN(page.losses, ReadDeviceLosses(context.db, no));
  CANDOR_ASSIGN_OR_RETURN(page.labels, LabelsOf(context.db, no));
  CANDOR_ASSIGN_OR_RETURN(page.inventory, InventoryOf(context.db, no));
  CANDOR_ASSIGN_OR_RETURN(page.days, LoadDays(context, request));
  CANDOR_ASSIGN_OR_RETURN(page.score, LoadScoreDay(context, no, request.period, std::nullopt));
  if (page.score) {
    CANDOR_ASSIGN_OR_RETURN(page.model, context.models.Find(page.score->model));
  } else {
    CANDOR_ASSIGN_OR_RETURN(page.model, ModelOn(context, request.period.to_day));
  }
  return page;
}

Table HeadTable(const ViewRequest& request, const Page& page) {
  const DeviceInfo& device = *request.device;
  const std::optional<ScoreDay>& score = page.score;
  const bool has_score = score && score->score;
  Table table = DeviceTable();
  table.title = device.host;
  DeviceTrend trend = TrendOf(page.days, request.period);
  table.notes = std::move(trend.notes);
  Row row = {device.host,
             device.id,
             has_score ? Cell(*score->score) : Cell(),
             has_score ? Cell(std::string(GradeOf(*page.model, *score->score))) : Cell(),
             StateText(device, page.losses, score, *page.model, page.now_ms),
             score ? Cell(score->day) : Cell(),
             score ? Cell(score->provisional) : Cell(),
             score ? Cell(score->coverage) : Cell(),
             std::move(trend.series),
             ToCell(LostPerDay(page.days)),
             Property(page.inventory, inventory::kModel),
             Property(page.inventory, inventory::kOs),
             Property(page.inventory, inventory::kKernel),
             device.agent_version,
             ToCell(device.last_seen_ms),
             score ? Cell(score->model) : Cell()};
  if (!trend.before.empty()) {
    table.columns.push_back(SeriesColumn("trend_before", "trend before"));
    row.emplace_back(std::move(trend.before));
  }
  for (const auto& [key, value] : page.labels) {
    if (table.Find(key)) continue;
    table.columns.push_back(TextColumn(key, key));
    row.push_back(value);
  }
  table.rows.push_back(std::move(row));
  return table;
}

Table DomainsTable(const Page& page) {
  Table table;
  table.name = "domains";
  table.title = "Domains";
  table.columns = {TextColumn("domain", "domain").Key(), ScoreColumn("points", "points"),
                   NumberColumn("measured_pct", "measured %", 0),
                   NumberColumn("lost", "points lost", 2)};
  if (!page.score) return table;
  for (const DomainModel& domain : page.model->domains) {
    Row row = {domain.name, std::monostate{}, 0.0, 0.0};
    for (const ScoreDay::Domain& scored : page.score->domains) {
      if (scored.name == domain.name) row[1] = scored.points;
    }
    double measured = 0;
    double lost = 0;
    for (const MetricModel& metric : domain.metrics) {
      if (const ScoreDay::Metric* found = page.score->Find(metric.metric)) {
        measured += metric.weight;
        lost += found->lost;
      }
    }
    row[2] = 100 * measured;
    row[3] = page.score->score ? Cell(lost) : Cell();
    table.rows.push_back(std::move(row));
  }
  RankRows({"-lost", "points"}, table);
  return table;
}

// What the laptop sent or should have sent and no figure shows; no row for what did not happen.
Table LossesTable(const Losses& losses) {
  Table table;
  table.name = "losses";
  table.title = "Not in these figures";
  table.columns = {TextColumn("what", "what").Key(), IntegerColumn("batches", "batches"),
                   TextColumn("why", "why")};
  const auto add = [&table](const char* what, int64_t batches, const std::string& why) {
    if (batches > 0) table.rows.push_back({std::string(what), batches, why});
  };
  add("lost", losses.lost_places, "the laptop no longer had them when it came back");
  add("dropped", losses.dropped_places, "the laptop's spool was full");
  add("late", losses.late_batches,
      Concat(losses.late_windows, " windows and ", losses.late_events,
             " events of days that were sealed already"));
  add("refused", losses.refused, "they could never be read");
  add("quarantined", losses.quarantined, "they contradict what came before under this identity");
  return table;
}

Table DaysTable(const Page& page) {
  Table table;
  table.name = "days";
  table.title = "Last days";
  table.columns = {DayColumn("day", "day").Key(),
                   ScoreColumn("score", "score"),
                   NumberColumn("coverage", "coverage", 2),
                   TextColumn("active_time", "active time"),
                   NumberColumn("lost_min", "minutes lost"),
                   TextColumn("score_model", "scored by").Rank(1)};
  for (auto day = page.days.rbegin(); day != page.days.rend(); ++day) {
    if (table.rows.size() == kDaysShown) break;
    table.rows.push_back(
        {day->day, ToCell(day->score), day->coverage,
         day->provisional
             ? Concat("under ", FormatShortest(page.model->provisional_below_min), " minutes")
             : std::string("enough"),
         day->shown_lost_min, day->model});
  }
  return table;
}

Table InventoryTable(const Page& page) {
  Table table;
  table.name = "inventory";
  table.title = "Inventory";
  table.columns = {TextColumn("key", "key").Key(), TextColumn("value", "value")};
  for (const auto& [key, value] : page.inventory) table.rows.push_back({key, value});
  return table;
}

Table BootsTable() {
  Table table;
  table.name = "boots";
  table.title = "Last boots";
  table.columns = {DayColumn("day", "day").Key(),
                   NumberColumn("boot_s", "boot s"),
                   NumberColumn("firmware_s", "firmware s").Rank(1),
                   NumberColumn("loader_s", "loader s").Rank(1),
                   NumberColumn("kernel_s", "kernel s"),
                   NumberColumn("initrd_s", "initrd s").Rank(1),
                   NumberColumn("userspace_s", "userspace s"),
                   NumberColumn("passphrase_s", "passphrase s").Rank(1),
                   TextColumn("until", "until").Rank(2),
                   TextColumn("slowest", "slowest unit").Rank(2),
                   TextColumn("last_shutdown", "shutdown before").Rank(1)};
  return table;
}

Row BootRow(int64_t day, const v1::Boot& boot) {
  const auto seconds = [](bool has, uint64_t us) {
    return has ? Cell(static_cast<double>(us) / kUsPerSecond) : Cell();
  };
  const uint64_t wait_us = std::min(boot.passphrase_us(), boot.total_us());
  return {
      day,
      seconds(boot.has_total_us(), boot.total_us() - wait_us),
      seconds(boot.has_firmware_us(), boot.firmware_us()),
      seconds(boot.has_loader_us(), boot.loader_us()),
      seconds(boot.has_kernel_us(), boot.kernel_us()),
      seconds(boot.has_initrd_us(), boot.initrd_us()),
      seconds(boot.has_userspace_us(), boot.userspace_us()),
      seconds(boot.has_passphrase_us(), boot.passphrase_us()),
      boot.until(),
      boot.slowest().empty()
          ? Cell()
          : Cell(Concat(
                boot.slowest(0).unit(), " ",
                FormatFixed(static_cast<double>(boot.slowest(0).activating_us()) / kUsPerSecond, 1),
                " s")),
      boot.has_last_shutdown_clean()
          ? Cell(std::string(boot.last_shutdown_clean() ? "clean" : "unclean"))
          : Cell()};
}

Table CrashesTable() {
  Table table;
  table.name = "crashes";
  table.title = "Crashes";
  table.columns = {TextColumn("app", "program").Key(), TextColumn("version", "version").Key(),
                   IntegerColumn("crashes", "crashes"), DayColumn("last_day", "last")};
  return table;
}

// Boots and crashes of the period in one walk.
absl::Status AddEvents(ViewContext& context, const ViewRequest& request,
                       std::vector<Table>& tables) {
  Table boots = BootsTable();
  struct Crashes {
    int64_t count = 0;
    int64_t last_day = 0;
  };
  std::map<std::pair<std::string, std::string>, Crashes> crashes;
  CANDOR_RETURN_IF_ERROR(
      ForEachEvent(context, request, {event::kBoot, event::kCrash},
                   [&](const EventRow& row, const v1::Event& event) {
                     if (event.has_boot_done()) {
                       boots.rows.push_back(BootRow(row.day, event.boot_done()));
                       return;
                     }
                     Crashes& of = crashes[{event.crash().program(), event.crash().version()}];
                     of.count += 1 + int64_t{event.crash().repeats()};
                     of.last_day = row.day;
                   }));
  std::reverse(boots.rows.begin(), boots.rows.end());
  if (boots.rows.size() > kBootsShown) boots.rows.resize(kBootsShown);
  Table table = CrashesTable();
  for (const auto& [what, of] : crashes) {
    table.rows.push_back({what.first, what.second, of.count, of.last_day});
  }
  RankRows({"-crashes"}, table);
  tables.push_back(std::move(boots));
  tables.push_back(std::move(table));
  return absl::OkStatus();
}

absl::StatusOr<Table> TimeLostTable(ViewContext& context, const ViewRequest& request) {
  Table table;
  table.name = "time_lost";
  table.title = "What costs most time";
  table.columns = {TextColumn("cause", "cause").Key(), NumberColumn("lost_min", "minutes")};
  table.notes = {std::string(kRoundedNote)};
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT cause, minutes FROM time_lost WHERE device = ? AND "
                         "day BETWEEN ? AND ? AND minutes > 0"));
  select.BindAll(request.device->no, request.period.from_day, request.period.to_day);
  std::map<std::string, double> minutes;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) break;
    minutes[std::string(select.Text(0))] += ShownMinutes(select.Text(0), select.Real(1));
  }
  for (const auto& [cause, lost] : minutes) table.rows.push_back({cause, lost});
  RankRows({"-lost_min"}, table);
  return table;
}

}  // namespace

Answer AnswerDevice(ViewContext& context, const ViewRequest& request) {
  if (request.columns_only) return std::vector<Table>{DeviceTable()};
  CANDOR_ASSIGN_OR_RETURN(const Page page, LoadPage(context, request));
  std::vector<Table> tables;
  tables.push_back(HeadTable(request, page));
  tables.push_back(DomainsTable(page));
  CANDOR_ASSIGN_OR_RETURN(std::vector<Table> measured, MeasuredTables(context, request));
  for (Table& table : measured) tables.push_back(std::move(table));
  CANDOR_RETURN_IF_ERROR(AddEvents(context, request, tables));
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), TimeLostTable(context, request));
  tables.push_back(LossesTable(page.losses));
  tables.push_back(DaysTable(page));
  tables.push_back(InventoryTable(page));
  return tables;
}

}  // namespace candor
