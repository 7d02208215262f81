// Which software each package manager of a Linux system says is installed, from its files: nothing
// is started, nobody is asked, no right is needed.
//
//   deb      dpkg's status file (linux_deb_packages.h). What it calls not-installed or config-files
//            is not there; what is only half configured is. A package of another architecture than
//            dpkg's own is NAME:ARCHITECTURE, as dpkg writes it
//   flatpak  the system's installation, /var/lib/flatpak/{app,runtime}/ID/ARCH/BRANCH/active/deploy
//            (flatpak_deploy.h); without a version there, the first 12 digits of its commit. A
//            runtime, and an application of another branch than stable, is ID//BRANCH. Not what a
//            person installed in a home folder; not .Locale, .Debug and .Sources, as `flatpak list`
//   pacman   the folders /var/lib/pacman/local/NAME-VERSION-RELEASE
//   snap     /snap/NAME/current, a link to a revision, and the version in its meta/snap.yaml; else
//            the revision
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/samplers/sampler.h"
#include "agent/samplers/software/software_list.h"

namespace candor {

namespace software_manager {
constexpr std::string_view kDeb = "deb";
constexpr std::string_view kFlatpak = "flatpak";
constexpr std::string_view kPacman = "pacman";
constexpr std::string_view kSnap = "snap";
// Sorted.
inline constexpr std::array kAll = {kDeb, kFlatpak, kPacman, kSnap};
}  // namespace software_manager

// Changes whenever what the manager says may have changed; a few calls of stat. Empty where the
// manager is not here.
std::string SoftwareStamp(const LinuxRoots& roots, std::string_view manager);

// Everything the manager has, with the daemon's other work in between. NotFound where the manager
// is not here, otherwise errors are the reason why nothing can be told of it.
boost::asio::awaitable<absl::StatusOr<SoftwareList>> ReadSoftware(boost::asio::io_context& io,
                                                                  LinuxRoots roots,
                                                                  std::string manager);

// Whether an rpm database is here, which is not read.
bool HasRpm(const LinuxRoots& roots);

}  // namespace candor
