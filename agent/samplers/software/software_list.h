// Lists of what a package manager installed, what lies between two of them, and how that is told.
// Pure functions, any thread.
//
// A list is kept as text between looks: a line "MANAGER<tab>NAME<tab>VERSION" each, sorted, so that
// two lists are compared in one walk and without a copy of the older one.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace candor::v1 {
class SoftwareChange;
}

namespace candor {

struct SoftwareLimits {
  static constexpr size_t kNameBytesMax = 128;
  static constexpr size_t kVersionBytesMax = 96;
  // Of one manager; what lists more is not told at all.
  static constexpr size_t kPackagesMax = 20'000;
  static constexpr size_t kTextBytesMax = 16 << 20;
  // Of one event, and of all that one look tells; the rest waits for the next minute, so that
  // crashes always have room beside it (agent/windows: WindowLimits).
  static constexpr size_t kEventBytesMax = 32 << 10;
  static constexpr size_t kTellBytesMax = 128 << 10;
};

// Versions by name, both printable, one line, within the limits above.
using SoftwareList = std::map<std::string, std::string, std::less<>>;

// Adds what has a name and a version once both are fit to be sent. False where the list is full.
bool AddSoftware(std::string_view name, std::string_view version, SoftwareList& list);

// The lines of one manager in a text of several.
std::string_view LinesOf(std::string_view text, std::string_view manager);
std::string TextOf(std::string_view manager, const SoftwareList& list);

// One manager's step from what was told of it to what is there.
struct SoftwareStep {
  std::string told;      // its lines as the collector knows them once the events came
  bool complete = true;  // nothing is left for a next step
};

// Where a step is in telling the whole list.
enum class Baseline {
  kNone,    // it was told: only changes are
  kBegins,  // `before` must be empty
  kGoesOn,  // an earlier step began and did not end it
};

// Appends to `events`, at most `room` bytes of them, which goes down by what they take. What came
// and is not told yet is part of an unfinished baseline; what changed or went is always a change.
SoftwareStep TellSoftware(std::string_view manager, std::string_view before,
                          const SoftwareList& now, Baseline baseline, size_t& room,
                          std::vector<v1::SoftwareChange>& events);

}  // namespace candor
