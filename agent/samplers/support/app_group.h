// Desktop applications run in control groups of their own, named by systemd's convention
// (https://systemd.io/DESKTOP_ENVIRONMENTS/). Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace candor {

// The desktop id in the name of a control group (a unit's name is the same), empty where it is
// none: "firefox" of "app-gnome-firefox-4021.scope", "org.gimp.GIMP" of
// "app-flatpak-org.gimp.GIMP-2345.scope" and "app-org.gimp.GIMP@1b2c.service", "firefox" of
// "snap.firefox.firefox-0123.scope".
std::string ApplicationOfGroup(std::string_view group);

}  // namespace candor
