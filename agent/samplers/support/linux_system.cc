#include "agent/samplers/support/linux_system.h"

#include <filesystem>

#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {

absl::StatusOr<std::string> ReadBootId(const LinuxRoots& roots) {
  const std::string path = Concat(roots.proc, "/sys/kernel/random/boot_id");
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 128));
  std::string hex(Trim(text));
  std::erase(hex, '-');
  absl::StatusOr<std::string> id = FromHex(hex);
  if (!id.ok()) return Prefix(id.status(), path);
  if (id->size() != 16) return absl::InvalidArgumentError(Concat(path, ": not a boot id"));
  return id;
}

std::string JournalFolder(const LinuxRoots& roots) {
  return roots.var == "/var" ? "" : Concat(roots.var, "/log/journal");
}

std::vector<std::string> JournalFolders(const LinuxRoots& roots) {
  const std::string given = JournalFolder(roots);
  if (!given.empty()) return {given};
  const absl::StatusOr<std::string> machine = ReadFile(Concat(roots.etc, "/machine-id"), 128);
  const std::string id(machine.ok() ? Trim(*machine) : "");
  return {Concat(roots.var, "/log/journal/", id), Concat(roots.run, "/log/journal/", id)};
}

bool JournalIsKept(const LinuxRoots& roots) {
  std::string id;
  if (JournalFolder(roots).empty()) {
    const absl::StatusOr<std::string> machine = ReadFile(Concat(roots.etc, "/machine-id"), 128);
    if (machine.ok()) id = Concat(Trim(*machine), "/");
  }
  std::error_code ignored;
  const auto written = [&](const std::string& root) {
    return std::filesystem::exists(Concat(root, "/log/journal/", id, "system.journal"), ignored);
  };
  return written(roots.var) && !written(roots.run);
}

std::string BusSocket(const LinuxRoots& roots) {
  return Concat(roots.run, "/dbus/system_bus_socket");
}

bool UnitIsInstalled(const LinuxRoots& roots, std::string_view unit) {
  if (unit.empty() || unit.find('/') != std::string_view::npos) return false;
  std::error_code ignored;
  for (const char* kind : {"system", "user"}) {
    const std::string path = Concat(roots.usr, "/lib/systemd/", kind, "/", unit);
    if (std::filesystem::exists(path, ignored)) return true;
  }
  return false;
}

}  // namespace candor
