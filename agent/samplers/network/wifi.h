// The radio link of the machine's Wi-Fi, once a minute: how strong the access point is heard, the
// rate agreed on, frames sent again and lost, beacons missed, and how often the connection was lost
// or moved to another access point.
//
// The network's name is never asked for. The access point's address is in the kernel's answer and
// becomes, as it is read, a hash with a salt that this process draws at its start and that never
// leaves it: good for "another one than a minute ago" and for nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/samplers/network/links.h"
#include "agent/samplers/recorder.h"

namespace candor {

// What the driver tells of the access point; a driver need not tell all of it.
struct WifiStation {
  uint64_t access_point = 0;  // salted hash
  std::optional<int> signal_dbm;
  std::optional<uint32_t> rate_100kbit;  // of sending
  std::optional<uint32_t> connected_s;
  // Since it connected.
  std::optional<uint32_t> sent;
  std::optional<uint32_t> retried;
  std::optional<uint32_t> failed;
  std::optional<uint32_t> beacons_lost;
};

// Turns readings into what happened in between. A plain value, no clock of its own.
class WifiWatch {
 public:
  // A longer gap between readings was not watched.
  static constexpr int64_t kGapMsMax = 150'000;

  struct Minute {
    // False where there is nothing to compare with: the first reading, after a gap or a suspend.
    bool watched = false;
    int64_t drops = 0;
    int64_t roams = 0;
    std::optional<int64_t> sent;
    std::optional<int64_t> retried;
    std::optional<int64_t> failed;
    std::optional<int64_t> beacons_lost;
  };

  // `station`: nothing while not connected. `switched_on`: a connection that somebody switches off
  // is not lost.
  Minute Update(const std::optional<WifiStation>& station, bool switched_on, int64_t monotonic_ms,
                int64_t boottime_ms);

 private:
  bool IsNewConnection(const WifiStation& now, int64_t elapsed_ms) const;

  std::optional<WifiStation> before_;
  int64_t monotonic_ms_ = -1;
  int64_t boottime_ms_ = 0;
};

// Where stations are read; opened by OpenWifi.
class WifiSource {
 public:
  virtual ~WifiSource() = default;
  // The access point that interface `index` is connected to; nothing while there is none.
  // FailedPrecondition for an interface that is no client of a network (a hotspot).
  virtual absl::StatusOr<std::optional<WifiStation>> Read(uint32_t index) = 0;
};

// Asks the kernel (nl80211) without privileges. NotFound where it has no Wi-Fi.
absl::StatusOr<std::unique_ptr<WifiSource>> OpenWifi();

// Wi-Fi of the network sampler: looks for the interface, reads it and records. One thread.
class WifiPart {
 public:
  WifiPart(Recorder& recorder, std::string sys);
  // For tests, with a source of their own.
  WifiPart(Recorder& recorder, std::string sys, std::unique_ptr<WifiSource> source);

  // Once a minute. `links` are those of links.h.
  void Sample(const std::vector<Link>& links, int64_t monotonic_ms, int64_t boottime_ms);

 private:
  void Record(const std::optional<WifiStation>& station, const WifiWatch::Minute& minute,
              int64_t elapsed_ms);
  void TellUnmeasured(std::string_view reason);

  Recorder& recorder_;
  const std::string sys_;
  std::unique_ptr<WifiSource> source_;
  WifiWatch watch_;
  std::string interface_;  // the one that was read last
  int64_t last_ms_ = -1;
};

}  // namespace candor
