// The machine's own network links and whether they are up.
//
// A link counts when hardware stands behind it (/sys/class/net/NAME/device): Ethernet, Wi-Fi,
// mobile broadband, a phone's tethering. Loopback, bridges, bonds, VPN tunnels, container pairs and
// other made-up interfaces do not: they ride on one of the former. In a container, where no
// interface has hardware behind it, every interface but loopback counts.
//
// Links are read with the tick; the kernel's count of carrier changes tells of a link that went
// down and came back in between. No name of an interface or network leaves this file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace candor {

struct Link {
  std::string name;
  std::string_view medium;  // wired | wireless | mobile | other
  bool up = false;
  int64_t carrier_changes = 0;  // since boot; 0 where the kernel does not tell
};

// At most this many are looked at.
inline constexpr size_t kLinksMax = 64;

// The counting links below `sys`/class/net, by name. NotFound where the folder is missing.
absl::StatusOr<std::vector<Link>> ReadLinks(const std::string& sys);

// The kernel's number of an interface; 0 where there is none such.
uint32_t LinkIndex(const std::string& sys, const std::string& name);
// Nobody switched the interface off (flight mode does).
bool IsSwitchedOn(const std::string& sys, const std::string& name);

// A made-up interface that wraps packets into others: tun and tap, WireGuard, PPP, IP in IP, GRE.
bool IsTunnel(const std::string& sys, const std::string& name);

// Turns readings into changes.
class LinkWatch {
 public:
  // At most this many changes are told of one reading.
  static constexpr size_t kChangesMax = 8;

  struct Change {
    bool up = false;
    std::string_view medium;
    bool operator==(const Change&) const = default;
  };

  // Changes since the last reading, none at the first.
  std::vector<Change> Update(const std::vector<Link>& links);
  // Some link is up, as of the last reading.
  bool any_up() const { return any_up_; }

 private:
  struct State {
    bool up = false;
    int64_t carrier_changes = 0;
    std::string_view medium;
  };
  std::map<std::string, State> known_;
  bool first_ = true;
  bool any_up_ = false;
};

}  // namespace candor
