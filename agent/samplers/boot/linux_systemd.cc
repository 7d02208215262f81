#include "agent/samplers/boot/linux_systemd.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";

std::string UnitPath(const std::string& unit) {
  char* path = nullptr;
  if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path) < 0) return {};
  std::string result(path);
  std::free(path);
  return result;
}

constexpr size_t kCallsPerUnit = 3;

void AppendUnitCalls(const std::string& unit, std::vector<BusCall>& calls) {
  const std::string path = UnitPath(unit);
  for (const char* name : {"InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic",
                           "InactiveEnterTimestampMonotonic"}) {
    calls.push_back(GetProperty(kService, path, kUnit, name));
  }
}

// A unit that vanished meanwhile has no stamps.
UnitStamps UnitFrom(std::string name, std::span<const BusCall> calls) {
  UnitStamps unit;
  unit.name = std::move(name);
  unit.inactive_exit_us = ReadUint64Property(calls[0]).value_or(0);
  unit.active_enter_us = ReadUint64Property(calls[1]).value_or(0);
  unit.inactive_enter_us = ReadUint64Property(calls[2]).value_or(0);
  return unit;
}

absl::StatusOr<std::vector<std::string>> UnitNames(const BusCall& call) {
  if (!call.reply.ok()) return call.reply.status();
  sd_bus_message* message = call.reply->get();
  int r = sd_bus_message_enter_container(message, 'a', "(ssssssouso)");
  std::vector<std::string> names;
  while (r >= 0 && names.size() < kUnitsMax) {
    r = sd_bus_message_enter_container(message, 'r', "ssssssouso");
    if (r <= 0) break;
    const char* name = nullptr;
    r = sd_bus_message_read(message, "s", &name);
    if (r < 0) break;
    names.emplace_back(name);
    r = sd_bus_message_skip(message, "sssssouso");
    if (r >= 0) r = sd_bus_message_exit_container(message);
  }
  if (r < 0) return ErrnoStatus(-r, "reading systemd's list of units");
  return names;
}

BusCall ListUnits() {
  BusCall call;
  call.service = kService;
  call.path = kManagerPath;
  call.interface = kManager;
  call.member = "ListUnitsByPatterns";
  call.arguments.emplace_back(std::vector<std::string>{});
  call.arguments.emplace_back(
      std::vector<std::string>{"*.service", "*.mount", "*.swap", "system-update.target"});
  return call;
}

absl::StatusOr<ManagerStamps> StampsFrom(const std::vector<BusCall>& calls) {
  ManagerStamps stamps;
  CANDOR_ASSIGN_OR_RETURN(stamps.firmware_us, ReadUint64Property(calls[0]));
  CANDOR_ASSIGN_OR_RETURN(stamps.loader_us, ReadUint64Property(calls[1]));
  CANDOR_ASSIGN_OR_RETURN(stamps.initrd_us, ReadUint64Property(calls[2]));
  CANDOR_ASSIGN_OR_RETURN(stamps.userspace_us, ReadUint64Property(calls[3]));
  CANDOR_ASSIGN_OR_RETURN(stamps.finish_us, ReadUint64Property(calls[4]));
  CANDOR_ASSIGN_OR_RETURN(stamps.virtualization, ReadStringProperty(calls[5]));
  return stamps;
}

// The two aliases that end a boot; `Id` is the name behind the alias.
std::vector<BusCall> EndCalls() {
  std::vector<BusCall> calls;
  for (const char* alias : {"display-manager.service", "default.target"}) {
    AppendUnitCalls(alias, calls);
    calls.push_back(GetProperty(kService, UnitPath(alias), kUnit, "Id"));
  }
  return calls;
}

std::vector<BusCall> ManagerCalls() {
  std::vector<BusCall> calls;
  for (const char* name :
       {"FirmwareTimestampMonotonic", "LoaderTimestampMonotonic", "InitRDTimestampMonotonic",
        "UserspaceTimestampMonotonic", "FinishTimestampMonotonic", "Virtualization"}) {
    calls.push_back(GetProperty(kService, kManagerPath, kManager, name));
  }
  return calls;
}

void TakeEnds(std::span<const BusCall> calls, ManagerStamps& stamps) {
  constexpr size_t kCallsPerEnd = kCallsPerUnit + 1;
  for (size_t end = 0; end < 2; ++end) {
    const auto mine = calls.subspan(end * kCallsPerEnd, kCallsPerEnd);
    absl::StatusOr<std::string> id = ReadStringProperty(mine.back());
    if (!id.ok()) continue;
    (end == 0 ? stamps.display_manager : stamps.default_target) =
        UnitFrom(*std::move(id), mine.first(kCallsPerUnit));
  }
}
boost::asio::awaitable<absl::Status> ReadUnits(LinuxBus& bus, ManagerStamps& stamps) {
  std::vector<BusCall> list;
  list.push_back(ListUnits());
  absl::Status status = co_await bus.Run(list);
  if (!status.ok()) co_return status;
  absl::StatusOr<std::vector<std::string>> names = UnitNames(list[0]);
  if (!names.ok()) co_return names.status();
  // In portions, so that a few hundred answers are never held at once.
  constexpr size_t kPortion = LinuxBus::kInFlightMax / kCallsPerUnit;
  for (size_t first = 0; first < names->size(); first += kPortion) {
    const size_t end = std::min(names->size(), first + kPortion);
    std::vector<BusCall> calls;
    for (size_t i = first; i < end; ++i) AppendUnitCalls((*names)[i], calls);
    status = co_await bus.Run(calls);
    if (!status.ok()) co_return status;
    for (size_t i = first; i < end; ++i) {
      stamps.units.push_back(UnitFrom(
          (*names)[i],
          std::span<const BusCall>(calls).subspan((i - first) * kCallsPerUnit, kCallsPerUnit)));
    }
  }
  co_return absl::OkStatus();
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<ManagerStamps>> ReadManagerStamps(LinuxBus& bus) {
  std::vector<BusCall> calls = ManagerCalls();
  absl::Status status = co_await bus.Run(calls);
  if (!status.ok()) co_return status;
  absl::StatusOr<ManagerStamps> stamps = StampsFrom(calls);
  if (!stamps.ok() || stamps->finish_us == 0) co_return stamps;
  std::vector<BusCall> ends = EndCalls();
  status = co_await bus.Run(ends);
  if (!status.ok()) co_return status;
  TakeEnds(ends, *stamps);
  status = co_await ReadUnits(bus, *stamps);
  if (!status.ok()) co_return status;
  co_return stamps;
}

}  // namespace candor
