#include "agent/samplers/support/unit_name.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

bool IsPackaged(std::string_view unit) {
  return unit == "cups.service" || unit == "getty@.service";
}

TEST_CASE("a unit that a package brought is called by its name") {
  CHECK(PublicUnitName("cups.service", IsPackaged) == "cups.service");
}

TEST_CASE("an instance is told as its template, whatever it stands for") {
  CHECK(PublicUnitName("getty@tty1.service", IsPackaged) == "getty@.service");
  CHECK(UnitTemplate("app@with-dots.and@signs.service") == "app@.service");
  CHECK(UnitTemplate("plain.service") == "plain.service");
}

TEST_CASE("people's own units and mount points have no name") {
  CHECK(PublicUnitName("alices-backup.service", IsPackaged) == "other.service");
  CHECK(PublicUnitName("home-alice-secret.mount", IsPackaged) == "other.mount");
  CHECK(PublicUnitName("boot-efi.mount", IsPackaged) == "boot-efi.mount");
}

TEST_CASE("what cannot be a unit's name is other") {
  CHECK(PublicUnitName("", IsPackaged) == "other");
  CHECK(PublicUnitName("nodot", IsPackaged) == "other");
  CHECK(PublicUnitName("../../etc/passwd.service", IsPackaged) == "other");
  CHECK(PublicUnitName(std::string(300, 'a') + ".service", IsPackaged) == "other");
}

}  // namespace
}  // namespace candor
