#include "agent/samplers/support/app_group.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("applications are found in the names of their control groups") {
  struct Case {
    std::string group, application;
  };
  const auto [group, application] = GENERATE(values<Case>({
      {"app-gnome-firefox-4021.scope", "firefox"},
      {"app-gnome-org.gnome.Nautilus-3312.scope", "org.gnome.Nautilus"},
      {"app-flatpak-org.gimp.GIMP-2345.scope", "org.gimp.GIMP"},
      {"app-firefox\\x2desr-77.scope", "firefox-esr"},
      {"app-org.kde.konsole@1f2e3d.service", "org.kde.konsole"},
      {"app-kde-org.kde.kate@1f2e3d.service", "org.kde.kate"},
      {"app-org.gnome.SettingsDaemon.Power.service", "org.gnome.SettingsDaemon.Power"},
      {"snap.firefox.firefox-0b5c1e6a.scope", "firefox"},
      {"vte-spawn-2f6b7a.scope", ""},
      {"dbus-:1.2-org.gnome.Nautilus@0.service", ""},
      {"run-u42.service", ""},
      {"app-.scope", ""},
      {"app-nothing.scope", ""},
      {"app-gnome-\\x2e\\x2e\\x2fetc\\x2fpasswd-1.scope", ""},
      {"app-gnome-a\\x20b-1.scope", ""},
      {"app-gnome-firefox-4021.slice", ""},
  }));
  CAPTURE(group);
  CHECK(ApplicationOfGroup(group) == application);
}

}  // namespace
}  // namespace candor
