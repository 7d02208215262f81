// `candor score`: scores of groups side by side, worst first. A group's score is the plain mean of
// its device-days, with a bootstrap interval over devices, mean coverage, and the share of devices
// with a domain below 60: the headline, because a mean near 90 hides them.
//
// --by app groups by the applications seen on a device-day, so a device counts in several.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/bootstrap.h"
#include "collector/query/coarse.h"
#include "collector/query/facts_scan.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

Table ScoreTable(const std::string& dimension, const std::vector<std::string>& domains) {
  Table table;
  table.name = "score";
  table.title = "Score by " + dimension;
  table.columns = {TextColumn(dimension, dimension).Key(),
                   ScoreColumn("score", "score"),
                   NumberColumn("score_low", "low").Rank(3),
                   NumberColumn("score_high", "high").Rank(3),
                   SeriesColumn("trend", "trend").Rank(2),
                   IntegerColumn("devices", "devices").Rank(1),
                   IntegerColumn("device_days", "device-days").Rank(6),
                   NumberColumn("coverage", "coverage", 2).Rank(4),
                   NumberColumn("weak_devices_pct", "weak devices %").Rank(1),
                   NumberColumn("lost_min_per_day", "lost min/day").Rank(2),
                   TextColumn("side_by_side", "side by side").Rank(4),
                   TextColumn("score_model", "scored by").Hidden()};
  for (const std::string& domain : domains) {
    table.columns.push_back(ScoreColumn(domain, domain).Rank(5));
  }
  table.notes = {"weak devices: some domain's mean below 60"};
  return table;
}

struct Group {
  Mean coverage;
  Mean lost_min;
  Mean shown_lost_min;
  Mean score;
  std::vector<BootstrapUnit> devices;
  std::vector<FrameDay> days;
  std::vector<Mean> domains;
  size_t losing_devices = 0;  // that lost any time
  int64_t last_losing = 0;
  size_t devices_with_domains = 0;
  size_t weak = 0;

  void Add(const FrameDay& day, bool is_new_device) {
    if (is_new_device) devices.emplace_back();
    coverage.Add(day.coverage);
    lost_min.Add(day.lost_min);
    shown_lost_min.Add(CoarseAmount(day.lost_min));
    if (day.lost_min > 0 && (losing_devices == 0 || last_losing != day.device)) {
      ++losing_devices;
      last_losing = day.device;
    }
    if (day.score) {
      score.Add(*day.score);
      devices.back().sum += *day.score;
      devices.back().count += 1;
    }
    days.push_back(day);
  }
  void AddDomains(const std::vector<Mean>& of_device) {
    domains.resize(std::max(domains.size(), of_device.size()));
    for (size_t i = 0; i < of_device.size(); ++i) domains[i].Merge(of_device[i]);
    ++devices_with_domains;
    weak += HasWeakDomain(of_device) ? 1 : 0;
  }
};

// What all groups have in common.
struct Side {
  std::vector<ModelUse> models;
  Mean coverage;  // of all device-days

  const Model* latest() const { return models.empty() ? nullptr : models.back().model; }
  bool broken() const { return models.size() > 1; }
};

// Whether the group's score can stand beside those of the others.
Cell SideBySide(const Group& group, const Side& side) {
  const auto own = group.coverage.value();
  const auto all = side.coverage.value();
  if (!own || !all) return std::monostate{};
  return std::string(CoverageComparable(*own, *all) ? "ok" : "not comparable");
}

Row RowOf(const std::string& name, const Group& group, const Side& side, const ViewRequest& request,
          size_t domain_count) {
  std::vector<BootstrapUnit> scored;
  std::copy_if(group.devices.begin(), group.devices.end(), std::back_inserter(scored),
               [](const BootstrapUnit& unit) { return unit.count > 0; });
  const std::optional<ScoreInterval> interval = BootstrapInterval(scored);
  const bool rounded = MustRound(request, group.losing_devices);
  const Mean& lost_min = rounded ? group.shown_lost_min : group.lost_min;
  Trend trend = DailyMeans(group.days, request.period, side.latest());
  Row row = {name,
             ToCell(group.score.value()),
             interval ? Cell(interval->low) : Cell(),
             interval ? Cell(interval->high) : Cell(),
             std::move(trend.series),
             static_cast<int64_t>(group.devices.size()),
             static_cast<int64_t>(group.days.size()),
             ToCell(group.coverage.value()),
             group.devices_with_domains == 0
                 ? Cell()
                 : Cell(100.0 * static_cast<double>(group.weak) /
                        static_cast<double>(group.devices_with_domains)),
             ToCell(lost_min.value()),
             SideBySide(group, side),
             ModelNames(ModelsUsed(group.days))};
  for (size_t i = 0; i < domain_count; ++i) {
    row.push_back(i < group.domains.size() ? ToCell(group.domains[i].value()) : Cell());
  }
  if (side.broken()) {
    row.push_back(trend.before.empty() ? Cell() : Cell(std::move(trend.before)));
  }
  return row;
}

void AddNotes(const Side& side, Table& table) {
  const size_t at = *table.Find("side_by_side");
  const bool apart = std::any_of(table.rows.begin(), table.rows.end(), [&](const Row& row) {
    return TextIn(row[at]) == "not comparable";
  });
  if (apart) {
    table.notes.push_back(
        Concat("not comparable: coverage differs by more than 0.10 from that of all together, ",
               FormatFixed(*side.coverage.value(), 2)));
  }
  if (auto note = BreakNote(side.models)) table.notes.push_back(*std::move(note));
}

// Names of the groups a device-day belongs to.
using GroupsOfDay = std::function<void(const FrameDay& day,
                                       const std::function<void(const std::string&)>& belongs)>;

std::map<std::string, Group> BuildGroups(const std::vector<FrameDay>& days,
                                         const DomainFrame& domains, const GroupsOfDay& groups_of) {
  std::map<std::string, Group> groups;
  std::map<std::string, int64_t> last_device;
  for (const FrameDay& day : days) {
    groups_of(day, [&](const std::string& name) {
      auto [last, first_of_group] = last_device.try_emplace(name, day.device);
      const bool is_new = first_of_group || last->second != day.device;
      last->second = day.device;
      Group& group = groups[name];
      group.Add(day, is_new);
      const auto at = domains.means.find(day.device);
      if (is_new && at != domains.means.end()) group.AddDomains(at->second);
    });
  }
  return groups;
}

absl::StatusOr<GroupsOfDay> ByDimension(ViewContext& context, const std::string& by) {
  CANDOR_ASSIGN_OR_RETURN(const Dimension dimension, Dimension::Resolve(context.db, by, {"app"}));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  std::unordered_map<int64_t, std::string> names;
  for (const DeviceInfo& device : devices) names.emplace(device.no, dimension.ValueOf(device));
  return GroupsOfDay([names = std::move(names)](const FrameDay& day, const auto& belongs) {
    if (const auto at = names.find(day.device); at != names.end()) belongs(at->second);
  });
}

// The applications seen on each device-day: by their own pressure, or because they crashed.
absl::StatusOr<GroupsOfDay> ByApplication(ViewContext& context, const ViewRequest& request) {
  std::map<std::pair<int64_t, int64_t>, std::set<std::string>> apps;
  CANDOR_RETURN_IF_ERROR(ForEachDayFact(
      context, request, [&](int64_t device, int64_t day, const store::v1::FactSet& facts) {
        for (const store::v1::MetricFact& fact : facts.metrics()) {
          if (fact.metric() >= metric::kAppCpuStall && fact.metric() <= metric::kAppIoStall) {
            apps[{device, day}].insert(fact.subject());
          }
        }
      }));
  CANDOR_RETURN_IF_ERROR(ForEachEvent(context, request, {event::kCrash, event::kHang},
                                      [&](const EventRow& row, const v1::Event& event) {
                                        apps[{row.device, row.day}].insert(
                                            event.has_crash() ? event.crash().program()
                                                              : event.hang().application());
                                      }));
  return GroupsOfDay([apps = std::move(apps)](const FrameDay& day, const auto& belongs) {
    const auto at = apps.find({day.device, day.day});
    if (at == apps.end()) return;
    for (const std::string& app : at->second) belongs(app);
  });
}

}  // namespace

Answer AnswerScore(ViewContext& context, const ViewRequest& request) {
  CANDOR_ASSIGN_OR_RETURN(const std::string by, DefaultDimension(context.db, request.by));
  CANDOR_ASSIGN_OR_RETURN(const GroupsOfDay groups_of, by == "app" && !request.columns_only
                                                           ? ByApplication(context, request)
                                                       : by == "app" ? GroupsOfDay()
                                                                     : ByDimension(context, by));
  if (request.columns_only) {
    CANDOR_ASSIGN_OR_RETURN(const auto model, ModelOn(context, request.period.to_day));
    std::vector<std::string> names;
    for (const DomainModel& domain : model->domains) names.push_back(domain.name);
    return std::vector<Table>{ScoreTable(by, names)};
  }
  CANDOR_ASSIGN_OR_RETURN(const DomainFrame domains, LoadDomains(context, request));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<FrameDay> days, LoadFrameDays(context, request));
  Side side{ModelsUsed(days), {}};
  for (const FrameDay& day : days) side.coverage.Add(day.coverage);
  Table table = ScoreTable(by, domains.domains);
  if (side.broken()) {
    table.columns.push_back(SeriesColumn("trend_before", "trend before").Rank(6));
  }
  for (const auto& [name, group] : BuildGroups(days, domains, groups_of)) {
    table.rows.push_back(RowOf(name, group, side, request, domains.domains.size()));
  }
  AddNotes(side, table);
  RankRows({"score"}, table);
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
