#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "agent/samplers/network/links.h"
#include "common/files.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

// Hardware types of <linux/if_arp.h> that a person's traffic can ride on.
constexpr int64_t kEther = 1;
constexpr int64_t kPpp = 512;
constexpr int64_t kRawIp = 519;
constexpr int64_t kLoopback = 772;
constexpr int64_t kNone = 65534;

// A sysfs attribute without its newline; empty where it cannot be read (`carrier` of a link that is
// administratively down answers with an error).
std::string Attribute(const fs::path& folder, const char* name) {
  auto text = ReadFile((folder / name).string(), 4096);
  if (!text.ok()) return {};
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return *std::move(text);
}

std::string_view MediumOf(const fs::path& folder, int64_t type) {
  std::error_code ec;
  if (fs::exists(folder / "wireless", ec) || fs::exists(folder / "phy80211", ec)) return "wireless";
  if (Attribute(folder, "uevent").find("DEVTYPE=wwan") != std::string::npos) return "mobile";
  if (type == kPpp || type == kRawIp || type == kNone) return "mobile";
  return type == kEther ? "wired" : "other";
}

bool IsUp(const fs::path& folder) {
  const std::string state = Attribute(folder, "operstate");
  if (state == "up") return true;
  // Drivers that do not keep an operational state say "unknown"; the carrier then decides.
  return state == "unknown" && Attribute(folder, "carrier") == "1";
}

}  // namespace

uint32_t LinkIndex(const std::string& sys, const std::string& name) {
  const std::string index = Attribute(fs::path(sys) / "class/net" / name, "ifindex");
  return static_cast<uint32_t>(std::strtoul(index.c_str(), nullptr, 10));
}

bool IsSwitchedOn(const std::string& sys, const std::string& name) {
  constexpr unsigned long kUp = 1;  // IFF_UP
  const std::string flags = Attribute(fs::path(sys) / "class/net" / name, "flags");
  return (std::strtoul(flags.c_str(), nullptr, 16) & kUp) != 0;
}

bool IsTunnel(const std::string& sys, const std::string& name) {
  const fs::path folder = fs::path(sys) / "class/net" / name;
  std::error_code ec;
  if (!fs::exists(folder, ec) || fs::exists(folder / "device", ec)) return false;
  if (fs::exists(folder / "tun_flags", ec)) return true;
  // Of <linux/if_arp.h>; 65534, "none", is WireGuard's and IPsec's.
  constexpr int64_t kTunnelTypes[] = {kPpp, 768, 769, 776, 778, 823, kNone};
  const int64_t type = std::strtoll(Attribute(folder, "type").c_str(), nullptr, 10);
  return std::find(std::begin(kTunnelTypes), std::end(kTunnelTypes), type) !=
         std::end(kTunnelTypes);
}

absl::StatusOr<std::vector<Link>> ReadLinks(const std::string& sys) {
  const fs::path root = fs::path(sys) / "class/net";
  std::error_code ec;
  fs::directory_iterator entries(root, ec);
  if (ec) return absl::NotFoundError(root.string() + ": " + ec.message());
  std::vector<Link> hardware;
  std::vector<Link> others;
  for (; entries != fs::directory_iterator(); entries.increment(ec)) {
    if (ec || hardware.size() + others.size() >= kLinksMax) break;
    const fs::path folder = entries->path();
    const int64_t type = std::strtoll(Attribute(folder, "type").c_str(), nullptr, 10);
    if (type == kLoopback || type == 0) continue;
    Link link{
        .name = folder.filename().string(),
        .medium = MediumOf(folder, type),
        .up = IsUp(folder),
        .carrier_changes = std::strtoll(Attribute(folder, "carrier_changes").c_str(), nullptr, 10)};
    std::error_code ignored;
    (fs::exists(folder / "device", ignored) ? hardware : others).push_back(std::move(link));
  }
  std::vector<Link>& links = hardware.empty() ? others : hardware;
  std::sort(links.begin(), links.end(),
            [](const Link& a, const Link& b) { return a.name < b.name; });
  return std::move(links);
}

}  // namespace candor
