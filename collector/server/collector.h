// The running collector: everything wired, in the order in which it starts and, backwards, ends.
//
//   store ─ writer ─ folder, housekeeping, ingest queue ─ services ─ listeners
//
// Start and Stop on one thread; the object's parts have theirs. Stop ends the listeners first, then
// commits and acknowledges what was received, so that a SIGTERM loses nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "collector/server/settings.h"
#include "common/clock.h"
#include "common/random.h"

namespace candor {

class Collector {
 public:
  // How long open calls may go on when the collector stops.
  static constexpr int64_t kGraceMs = 3'000;

  // `clock` and `random` (thread-safe) must outlive it. Errors are one line for the operator.
  static absl::StatusOr<std::unique_ptr<Collector>> Start(const CollectorSettings& settings,
                                                          const Clock& clock, Random& random);
  ~Collector();

  // What SIGHUP changes: what laptops are told, retention, log level. Names what needs a restart in
  // the log.
  void Reload(const CollectorSettings& settings);

  std::string fleet_address() const;
  std::string enroll_address() const;
  std::string http_address() const;

 private:
  struct Parts;
  explicit Collector(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace candor
