#include "collector/query/facts_scan.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/score_frame.h"
#include "collector/query/text.h"
#include "collector/store/facts.pb.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr uint64_t kProgressRows = 1024;

bool Wanted(const ViewRequest& request, int64_t device) {
  return !request.only_devices || request.only_devices->contains(device);
}

absl::StatusOr<uint64_t> CountDayFacts(ViewContext& context, const Period& period) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          context.db.Prepare("SELECT count(*) FROM day_fact WHERE day BETWEEN ? "
                                             "AND ?"));
  select.BindAll(period.from_day, period.to_day);
  CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
  return more ? static_cast<uint64_t>(select.Int(0)) : 0;
}

absl::StatusOr<Statement> PrepareDayFacts(ViewContext& context, const ViewRequest& request) {
  const std::string where = request.device ? "device = ?3 AND " : "";
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare(Concat("SELECT device, day, facts FROM day_fact WHERE ", where,
                                "day BETWEEN ?1 AND ?2 ORDER BY device, day")));
  select.BindAll(request.period.from_day, request.period.to_day);
  if (request.device) select.Bind(3, request.device->no);
  return select;
}

absl::StatusOr<Statement> PrepareEvents(ViewContext& context, const ViewRequest& request,
                                        const std::vector<uint32_t>& kinds) {
  std::vector<std::string> numbers;
  for (const uint32_t kind : kinds) numbers.push_back(std::to_string(kind));
  const std::string where = request.device ? "device = ?3 AND " : "";
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare(Concat("SELECT device, day, wall_ms, event FROM event WHERE ", where,
                                "kind IN (", Join(numbers, ", "),
                                ") AND day BETWEEN ?1 AND ?2 "
                                "ORDER BY device, day, wall_ms, epoch, seq, ordinal")));
  select.BindAll(request.period.from_day, request.period.to_day);
  if (request.device) select.Bind(3, request.device->no);
  return select;
}

}  // namespace

absl::Status ForEachDayFact(
    ViewContext& context, const ViewRequest& request,
    const std::function<void(int64_t device, int64_t day, const store::v1::FactSet& facts)>& fn) {
  uint64_t total = 0;
  if (!request.device) {
    CANDOR_ASSIGN_OR_RETURN(total, CountDayFacts(context, request.period));
  }
  CANDOR_ASSIGN_OR_RETURN(Statement select, PrepareDayFacts(context, request));
  store::v1::FactSet facts;
  for (uint64_t rows = 1;; ++rows) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return absl::OkStatus();
    if (rows % kProgressRows == 0) {
      CANDOR_RETURN_IF_ERROR(context.progress("reading facts", rows, total));
    }
    const int64_t device = select.Int(0);
    if (!Wanted(request, device)) continue;
    const std::string_view bytes = select.BlobAt(2);
    if (!facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::DataLossError(Concat("the facts of device ", device, " on ",
                                        FormatDay(select.Int(1)), " cannot be read"));
    }
    fn(device, select.Int(1), facts);
  }
}

absl::Status ForEachEvent(
    ViewContext& context, const ViewRequest& request, const std::vector<uint32_t>& kinds,
    const std::function<void(const EventRow& row, const v1::Event& event)>& fn) {
  CANDOR_ASSIGN_OR_RETURN(Statement select, PrepareEvents(context, request, kinds));
  v1::Event event;
  for (uint64_t rows = 1;; ++rows) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return absl::OkStatus();
    if (rows % kProgressRows == 0) {
      CANDOR_RETURN_IF_ERROR(context.progress("reading events", rows, 0));
    }
    EventRow row;
    row.device = select.Int(0);
    row.day = select.Int(1);
    row.wall_ms = select.Int(2);
    if (!Wanted(request, row.device)) continue;
    const std::string_view bytes = select.BlobAt(3);
    if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::DataLossError(
          Concat("an event of device ", row.device, " on ", FormatDay(row.day), " cannot be read"));
    }
    fn(row, event);
  }
}

absl::Status ForEachGroup(ViewContext& context, const ViewRequest& request,
                          const Dimension& dimension, const std::set<uint32_t>& metrics,
                          const std::function<void(const GroupFacts& group)>& fn) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  const Groups groups = GroupDevices(devices, dimension);
  const bool one_device_each = groups.names.size() == devices.size();

  std::map<size_t, GroupFacts> open;
  int64_t last_device = 0;
  const auto close_all = [&] {
    for (const auto& [index, group] : open) fn(group);
    open.clear();
  };
  CANDOR_RETURN_IF_ERROR(ForEachDayFact(
      context, request, [&](int64_t device, int64_t, const store::v1::FactSet& facts) {
        const auto at = groups.group_of.find(device);
        if (at == groups.group_of.end()) return;
        if (one_device_each && device != last_device) close_all();
        auto [group, is_new] = open.try_emplace(
            at->second, GroupFacts{groups.names[at->second], FactsTotal(metrics), 0});
        if (is_new || device != last_device) ++group->second.devices;
        last_device = device;
        group->second.total.Add(facts);
      }));
  close_all();
  return absl::OkStatus();
}

std::optional<double> GroupLost::per_day() const {
  if (device_days <= 0) return std::nullopt;
  return minutes / device_days;
}

absl::StatusOr<std::map<std::string, GroupLost>> LostByGroup(
    ViewContext& context, const ViewRequest& request, const Dimension& dimension,
    const std::vector<std::string>& causes) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  CANDOR_ASSIGN_OR_RETURN(const auto lost, LoadLostMinutes(context, request.period, causes));
  CANDOR_ASSIGN_OR_RETURN(const auto days, LoadFrameDays(context, request.period));
  std::unordered_map<int64_t, double> days_of;
  for (const FrameDay& day : days) days_of[day.device] += 1;
  struct Sums {
    LostMinutes minutes;
    double device_days = 0;
    size_t devices = 0;  // that lost any
  };
  std::map<std::string, Sums> sums;
  for (const DeviceInfo& device : devices) {
    if (!Wanted(request, device.no)) continue;
    Sums& group = sums[dimension.ValueOf(device)];
    if (const auto at = lost.find(device.no); at != lost.end()) {
      group.minutes.exact += at->second.exact;
      group.minutes.shown += at->second.shown;
      ++group.devices;
    }
    if (const auto at = days_of.find(device.no); at != days_of.end()) {
      group.device_days += at->second;
    }
  }
  std::map<std::string, GroupLost> groups;
  for (const auto& [name, group] : sums) {
    const bool rounded = MustRound(request, group.devices);
    groups[name] = {rounded ? group.minutes.shown : group.minutes.exact, group.device_days};
  }
  return groups;
}

}  // namespace candor
