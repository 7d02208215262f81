// The whole fleet on the wire: enrols its laptops one after the other (so that they are numbered
// alike whenever the same fleet is played) and lets them push in parallel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/random.h"
#include "tools/loadgen/identity.h"
#include "tools/loadgen/laptop_player.h"
#include "tools/loadgen/truth.h"

namespace candor::loadgen {

struct PlayOptions {
  double speed = 0;       // simulated time against real time; 0: as fast as it goes
  uint32_t parallel = 8;  // streams at once
  bool enroll_only = false;
  Manners manners;
};

// Called now and then, from any of the player's threads, one at a time.
using ProgressFn = std::function<void(std::string_view doing, uint64_t done, uint64_t total)>;

class FleetPlayer {
 public:
  // References must outlive the object; `truth` may be null.
  FleetPlayer(const FleetPlan& plan, const PlayOptions& options, const Clock& clock, Random& random,
              Truth* truth, ProgressFn progress);

  // Returns when every batch of every laptop is acknowledged, or at the first laptop that cannot go
  // on.
  absl::Status Run(const EnrollmentTarget& target);

  const Traffic& traffic() const { return traffic_; }

 private:
  absl::Status Enroll(const EnrollmentTarget& target);
  absl::Status PlayAtOnce();
  absl::Status PlayPaced();
  absl::Status InParallel(std::string_view doing, std::vector<uint32_t> laptops,
                          const std::function<absl::Status(uint32_t laptop)>& work);
  LaptopPlayer& Laptop(uint32_t index);
  void Done(uint32_t index);

  FleetPlan plan_;
  PlayOptions options_;
  const Clock& clock_;
  Random& random_;
  Truth* truth_;
  ProgressFn progress_;
  Traffic traffic_;

  struct Seat {
    Credential credential;
    Figures figures;
    std::unique_ptr<LaptopPlayer> player;
  };
  std::vector<Seat> seats_;
};

}  // namespace candor::loadgen
