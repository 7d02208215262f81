// Pressure of single desktop applications: each runs in a control group of its own below
// user.slice/user-UID.slice/user@UID.service/app.slice (systemd's desktop environments convention,
// https://systemd.io/DESKTOP_ENVIRONMENTS/), which keeps the same three pressure files.
//
// An application is named by its desktop id, and only where a package, flatpak or snap owns its
// desktop file; every other one adds to "other". Whose session it runs in is not
// kept. Read once a minute; nothing stays open. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/responsiveness/pressure.h"

namespace candor {

// One application's control group, with its totals in microseconds.
struct AppGroup {
  uint64_t id = 0;   // the kernel's number of this group; never used twice in one boot
  std::string name;  // of the folder
  std::array<int64_t, 3> totals_us{};
};

// More groups than this are not looked at.
inline constexpr size_t kAppGroupsMax = 256;
// More applications than this at once are told as "other".
inline constexpr size_t kAppNamesMax = 64;

// All groups of all sessions. NotFound with the reason where there can be none: control groups of
// version 1, no pressure files in them, no app.slice.
absl::StatusOr<std::vector<AppGroup>> ReadAppGroups(const std::string& sys);

// Whether flatpak or snap brought `application`, looking below `var`.
bool IsSandboxedApplication(const std::string& var, std::string_view application);

// Applications whose own name may be told, as far as it was looked up.
class NamedApplications {
 public:
  static constexpr size_t kKnownMax = 512;

  // The applications of `groups` that nobody looked up yet.
  std::vector<std::string> Unknown(const std::vector<AppGroup>& groups) const;
  void Learn(const std::string& application, bool may_be_named);
  // "other" for what may not be named or is not known.
  std::string NameOf(const std::string& group) const;

 private:
  std::map<std::string, bool> known_;
};

// Turns readings into increments by application.
class AppStalls {
 public:
  // Milliseconds since the last reading in the order of kPressureKinds; groups that are new since
  // then count from 0. Nothing at the first reading.
  std::map<std::string, std::array<int64_t, 3>> Update(const std::vector<AppGroup>& groups,
                                                       const NamedApplications& names);

 private:
  using Meters = std::array<StallMeter, 3>;
  std::map<uint64_t, Meters> known_;
  bool first_ = true;
};

}  // namespace candor
