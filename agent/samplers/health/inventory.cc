#include "agent/samplers/health/inventory.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/samplers/support/clean_text.h"
#include "agent/samplers/support/text.h"
#include "candor/v1/envelope.pb.h"

namespace candor {
namespace {

// Value of KEY= in os-release: a shell assignment, bare or in quotes.
std::string OsReleaseValue(std::string_view text, std::string_view key) {
  for (const std::string_view line : Split(text, '\n')) {
    if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != '=') continue;
    std::string_view value = Trim(line.substr(key.size() + 1));
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    if (quoted) value = value.substr(1, value.size() - 2);
    std::string plain;
    for (size_t i = 0; i < value.size(); ++i) {
      if (quoted && value[i] == '\\' && i + 1 < value.size()) ++i;
      plain.push_back(value[i]);
    }
    return CleanValue(plain);
  }
  return {};
}

// Value of "key : value" of the first such line.
std::string_view ColonValue(std::string_view text, std::string_view key) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && Trim(line.substr(0, colon)) == key) {
      return Trim(line.substr(colon + 1));
    }
    at = end + 1;
  }
  return {};
}

void EraseAll(std::string& text, std::string_view what) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.erase(at, what.size());
  }
}

std::string SingleBlanks(std::string_view text) {
  std::string out;
  for (const std::string_view word : Split(text, ' ')) {
    if (!out.empty()) out.push_back(' ');
    out.append(word);
  }
  return out;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

void AddProperty(const std::string& key, const std::string& value, v1::Inventory& inventory) {
  v1::Inventory::Property* property = inventory.add_set();
  property->set_key(key);
  property->set_value(value);
}

}  // namespace

std::string OsName(std::string_view os_release) {
  std::string name = OsReleaseValue(os_release, "NAME");
  const std::string version = OsReleaseValue(os_release, "VERSION_ID");
  if (name.empty()) return OsReleaseValue(os_release, "PRETTY_NAME");
  if (version.empty()) return name;
  for (const std::string_view suffix : {" GNU/Linux", " Linux"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  }
  return Concat(name, " ", version);
}

std::string OsBuild(std::string_view os_release, std::string_view debian_version) {
  const bool debian = OsReleaseValue(os_release, "ID") == "debian";
  if (debian && !Trim(debian_version).empty()) return CleanValue(debian_version);
  const std::string build = OsReleaseValue(os_release, "BUILD_ID");
  return build.empty() ? OsReleaseValue(os_release, "VERSION") : build;
}

std::string CpuName(std::string_view cpuinfo) {
  std::string name(ColonValue(cpuinfo, "model name"));
  if (name.empty()) name = ColonValue(cpuinfo, "Model");
  for (const std::string_view mark : {"(R)", "(TM)", "(r)", "(tm)", " CPU", " Processor"}) {
    EraseAll(name, mark);
  }
  if (const size_t clock = name.find(" @ "); clock != std::string::npos) name.resize(clock);
  return CleanValue(SingleBlanks(name));
}

int CpuCount(std::string_view cpuinfo) {
  int count = 0;
  size_t at = 0;
  while (at < cpuinfo.size()) {
    if (cpuinfo.substr(at).starts_with("processor")) ++count;
    const size_t end = cpuinfo.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return count;
}

absl::StatusOr<int64_t> MemInfoKib(std::string_view meminfo, std::string_view key) {
  std::string_view value = ColonValue(meminfo, key);
  if (value.ends_with("kB")) value.remove_suffix(2);
  const auto kib = ParseNumber<int64_t>(value);
  if (!kib || *kib < 0) return absl::NotFoundError(Concat("meminfo: no ", key));
  return *kib;
}

std::string DmiValue(std::string_view raw) {
  constexpr auto kNothing = std::to_array<std::string_view>(
      {"to be filled by o.e.m.", "default string", "system product name", "system manufacturer",
       "system version", "not applicable", "not specified", "none", "n/a", "unknown", "invalid",
       "o.e.m.", "oem", "0", "1.0", "xxxx"});
  std::string value = CleanValue(raw);
  const std::string lower = Lower(value);
  if (std::find(kNothing.begin(), kNothing.end(), lower) != kNothing.end()) return {};
  return value;
}

std::string DmiModel(std::string_view vendor, std::string_view product, std::string_view version) {
  std::string model = DmiValue(product);
  if (Lower(Trim(vendor)) == "lenovo") {
    const std::string known_as = DmiValue(version);
    if (known_as.find(' ') != std::string::npos) return known_as;
  }
  return model;
}

std::string DiskKind(const DiskTraits& disk) {
  for (const std::string_view mark :
       {"QEMU", "VBOX", "VMware", "Virtual", "VIRTUAL", "Msft", "Amazon Elastic"}) {
    const bool marked = disk.vendor.find(mark) != std::string_view::npos ||
                        disk.model.find(mark) != std::string_view::npos;
    if (marked) return "virtual";
  }
  const std::string_view name = disk.name;
  if (name.starts_with("vd") || name.starts_with("xvd") || name.starts_with("pmem")) {
    return "virtual";
  }
  if (name.starts_with("nvme")) return "nvme";
  if (name.starts_with("mmcblk")) return disk.card_type == "SD" ? "sd" : "emmc";
  // Anything else that does not rotate may as well be a file or memory.
  if (!name.starts_with("sd")) return {};
  if (disk.rotational == "0") return "ssd";
  return disk.rotational == "1" ? "hdd" : "";
}

std::string GraphicsName(std::string_view pci_class, std::string_view vendor,
                         std::string_view driver) {
  if (!Trim(pci_class).starts_with("0x03")) return {};
  const std::string_view id = Trim(vendor);
  std::string name;
  if (id == "0x8086") name = "Intel";
  if (id == "0x10de") name = "NVIDIA";
  if (id == "0x1002") name = "AMD";
  if (id == "0x1af4" || id == "0x1b36" || id == "0x1234" || id == "0x15ad" || id == "0x80ee") {
    name = "virtual";
  }
  if (name.empty()) name = "other";
  if (!driver.empty()) name.append(Concat(" (", driver, ")"));
  return CleanValue(name);
}

std::string CleanValue(std::string_view raw) { return CleanText(raw, kInventoryValueBytesMax); }

v1::Inventory CompleteInventory(const InventoryMap& now) {
  v1::Inventory inventory;
  inventory.set_complete(true);
  for (const auto& [key, value] : now) AddProperty(key, value, inventory);
  return inventory;
}

std::optional<v1::Inventory> ChangedInventory(const InventoryMap& before, const InventoryMap& now) {
  if (before == now) return std::nullopt;
  v1::Inventory inventory;
  for (const auto& [key, value] : now) {
    const auto old = before.find(key);
    if (old == before.end() || old->second != value) AddProperty(key, value, inventory);
  }
  for (const auto& [key, value] : before) {
    if (!now.contains(key)) inventory.add_unset(key);
  }
  return inventory;
}

}  // namespace candor
