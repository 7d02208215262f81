#include "agent/samplers/health/linux_udisks.h"

#include <vector>

#include "agent/samplers/health/disk_wear.h"
#include "agent/samplers/support/linux_bus.h"
#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kUdisks = "org.freedesktop.UDisks2";
constexpr const char* kDrive = "org.freedesktop.UDisks2.Drive";
constexpr const char* kAta = "org.freedesktop.UDisks2.Drive.Ata";
constexpr const char* kNvme = "org.freedesktop.UDisks2.NVMe.Controller";
// A disk keeps thirty attributes at most (ATA), NVMe's log about twenty.
constexpr int kAttributesMax = 256;

BusCall Quietly(BusCall call) {
  call.start_service = false;
  return call;
}

BusCall GetAttributes(const std::string& drive, const char* interface) {
  BusCall call;
  call.service = kUdisks;
  call.path = drive;
  call.interface = interface;
  call.member = "SmartGetAttributes";
  call.arguments.emplace_back(BusOptions());
  call.start_service = false;
  return call;
}

// What is said to a person who never heard of buses.
absl::Status Explained(const absl::Status& status, std::string_view missing) {
  if (absl::IsNotFound(status)) return absl::NotFoundError(std::string(missing));
  return Prefix(status, "UDisks2 does not tell the disk's wear");
}

// The content of SmartGetAttributes of a SATA disk: a(ysqiiixia{sv}).
absl::StatusOr<std::vector<AtaAttribute>> ReadAttributes(sd_bus_message* reply) {
  std::vector<AtaAttribute> attributes;
  int r = sd_bus_message_enter_container(reply, 'a', "(ysqiiixia{sv})");
  while (r >= 0 && attributes.size() < kAttributesMax) {
    r = sd_bus_message_enter_container(reply, 'r', "ysqiiixia{sv}");
    if (r <= 0) break;
    uint8_t id = 0;
    int32_t value = -1;
    r = sd_bus_message_read(reply, "ysqiiixi", &id, nullptr, nullptr, &value, nullptr, nullptr,
                            nullptr, nullptr);
    if (r >= 0) r = sd_bus_message_skip(reply, "a{sv}");
    if (r >= 0) r = sd_bus_message_exit_container(reply);
    if (r >= 0) attributes.push_back({.id = id, .value = value});
  }
  if (r < 0) return ErrnoStatus(-r, "reading a disk's attributes");
  return attributes;
}

// The content of SmartGetAttributes of an NVMe disk: a{sv}, of which one is wanted.
absl::StatusOr<int64_t> ReadPercentUsed(sd_bus_message* reply) {
  int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
  for (int i = 0; r >= 0 && i < kAttributesMax; ++i) {
    r = sd_bus_message_enter_container(reply, 'e', "sv");
    if (r <= 0) break;
    const char* key = nullptr;
    r = sd_bus_message_read(reply, "s", &key);
    if (r >= 0 && std::string_view(key) == "percent_used") {
      uint8_t used = 0;
      r = sd_bus_message_read(reply, "v", "y", &used);
      if (r < 0) break;
      return used;
    }
    if (r >= 0) r = sd_bus_message_skip(reply, "v");
    if (r >= 0) r = sd_bus_message_exit_container(reply);
  }
  if (r < 0) return ErrnoStatus(-r, "reading a disk's attributes");
  return absl::NotFoundError("the disk does not tell its wear");
}

// The object path in a Properties.Get answer.
absl::StatusOr<std::string> ReadPath(const BusCall& call) {
  if (!call.reply.ok()) return call.reply.status();
  const char* path = nullptr;
  const int r = sd_bus_message_read(call.reply->get(), "v", "o", &path);
  if (r < 0) return ErrnoStatus(-r, "reading a path from UDisks2");
  if (std::string_view(path) == "/") return absl::NotFoundError("UDisks2 knows no such disk");
  return std::string(path);
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<int64_t>> ReadUdisksWearPct(boost::asio::io_context& io,
                                                                  std::string bus_socket,
                                                                  std::string name) {
  absl::StatusOr<std::unique_ptr<LinuxBus>> bus = LinuxBus::Open(io, bus_socket);
  if (!bus.ok()) co_return Explained(bus.status(), "");
  const bool nvme = name.starts_with("nvme");
  std::vector<BusCall> find;
  find.push_back(
      Quietly(GetProperty(kUdisks, Concat("/org/freedesktop/UDisks2/block_devices/", name),
                          "org.freedesktop.UDisks2.Block", "Drive")));
  if (absl::Status ran = co_await (*bus)->Run(find); !ran.ok()) co_return Explained(ran, "");
  const absl::StatusOr<std::string> drive = ReadPath(find[0]);
  if (!drive.ok()) {
    co_return Explained(drive.status(),
                        "UDisks2, which reads a disk's wear, does not run here or "
                        "does not know the disk");
  }
  std::vector<BusCall> ask;
  ask.push_back(GetAttributes(*drive, nvme ? kNvme : kAta));
  ask.push_back(Quietly(GetProperty(kUdisks, *drive, kDrive, "Model")));
  if (absl::Status ran = co_await (*bus)->Run(ask); !ran.ok()) co_return Explained(ran, "");
  const absl::Status answered = ask[0].reply.status();
  if (!answered.ok()) {
    co_return Explained(answered, nvme ? "UDisks2 reads the wear of NVMe disks from 2.10 on"
                                       : "the disk does not tell its wear");
  }
  if (nvme) co_return ReadPercentUsed(ask[0].reply->get());
  const auto attributes = ReadAttributes(ask[0].reply->get());
  if (!attributes.ok()) co_return attributes.status();
  co_return AtaWearPct(ReadStringProperty(ask[1]).value_or(std::string()), *attributes);
}

}  // namespace candor
