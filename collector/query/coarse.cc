#include "collector/query/coarse.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace candor {
namespace {

constexpr double kLeast = 0.05;  // below: nothing

// A decade's steps and where each ends. Between geometric middles, then moved up by as much as
// makes the sum of rounded amounts right on average where amounts of every size are equally common.
struct Step {
  double amount;
  double below;
};
constexpr auto kSteps = std::to_array<Step>({{1, 1.45}, {2, 3.25}, {5, 7.25}, {10, 10}});

}  // namespace

double CoarseAmount(double amount) {
  if (!(amount >= kLeast)) return 0;
  const double decade = std::pow(10, std::floor(std::log10(amount)));
  const double in_decade = amount / decade;
  const auto* step = std::find_if(kSteps.begin(), kSteps.end() - 1,
                                  [&](const Step& s) { return in_decade < s.below; });
  return step->amount * decade;
}

bool TellsWorkingTime(std::string_view cause) {
  return cause != "boot" && cause != "crash" && cause != "system_failure";
}

double ShownMinutes(std::string_view cause, double minutes) {
  return TellsWorkingTime(cause) ? CoarseAmount(minutes) : minutes;
}

}  // namespace candor
