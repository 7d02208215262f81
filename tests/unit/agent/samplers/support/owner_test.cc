#include "agent/samplers/support/owner.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace candor {
namespace {

bool Contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

TEST_CASE("a program upgraded while it ran keeps its path") {
  CHECK(WithoutDeleted("/usr/bin/foo (deleted)") == "/usr/bin/foo");
  CHECK(WithoutDeleted("/usr/bin/foo") == "/usr/bin/foo");
}

TEST_CASE("a path is looked for under both names of a merged folder") {
  CHECK(Contains(PathVariants("/usr/bin/sleep"), "/bin/sleep"));
  CHECK(Contains(PathVariants("/usr/bin/sleep"), "/usr/bin/sleep"));
  CHECK(Contains(PathVariants("/bin/sleep"), "/usr/bin/sleep"));
  CHECK(Contains(PathVariants("/usr/lib/firefox/firefox"), "/lib/firefox/firefox"));
  CHECK(PathVariants("/opt/google/chrome/chrome") ==
        std::vector<std::string>{"/opt/google/chrome/chrome"});
}

TEST_CASE("a task's name is looked for only in the usual folders") {
  CHECK(Contains(UsualPaths("firefox-esr"), "/usr/bin/firefox-esr"));
  CHECK(Contains(UsualPaths("firefox-esr"), "/usr/lib/firefox-esr/firefox-esr"));
  CHECK(UsualPaths("").empty());
  CHECK(UsualPaths("../../home/alice/x").empty());
  CHECK(UsualPaths("..").empty());
  CHECK(UsualPaths("a\nb").empty());
}

TEST_CASE("a flatpak is known by its scope") {
  CHECK(FlatpakOf("/user.slice/user-1000.slice/user@1000.service/app.slice/"
                  "app-flatpak-org.mozilla.firefox-4242.scope") == "org.mozilla.firefox");
  CHECK(FlatpakOf("/x/app-flatpak-org.kde.some\\x2dthing-1.scope") == "org.kde.some-thing");
  CHECK_FALSE(FlatpakOf("/x/app-gnome-org.mozilla.firefox-4242.scope"));
  CHECK_FALSE(FlatpakOf("/x/app-flatpak-nodots-1.scope"));
  CHECK_FALSE(FlatpakOf(""));
}

TEST_CASE("a snap is known by its place") {
  const auto snap = SnapOf("/snap/firefox/4173/usr/lib/firefox/firefox");
  REQUIRE(snap);
  CHECK(snap->name == "firefox");
  CHECK(snap->revision == "4173");
  CHECK_FALSE(SnapOf("/snap/bin/firefox"));
  CHECK_FALSE(SnapOf("/snap/firefox"));
  CHECK_FALSE(SnapOf("/home/alice/snap/firefox/1/x"));
  CHECK(SnapVersion("name: firefox\nversion: '128.0-1'\n") == "128.0-1");
  CHECK(SnapVersion("name: x\n").empty());
}

TEST_CASE("a package's file list names package and architecture") {
  CHECK(PackageOfListFile("coreutils.list") == PackageName{"coreutils", ""});
  CHECK(PackageOfListFile("libc6:amd64.list") == PackageName{"libc6", "amd64"});
  CHECK_FALSE(PackageOfListFile("coreutils.md5sums"));
  CHECK_FALSE(PackageOfListFile(".list"));
}

std::string VersionIn(const std::vector<std::string>& lines, PackageName package) {
  PackageVersionReader reader(std::move(package));
  for (const std::string& line : lines) {
    if (reader.Line(line)) break;
  }
  return reader.version();
}

TEST_CASE("a package's version is found in its own stanza") {
  const std::vector<std::string> status = {"Package: libc6",
                                           "Status: install ok installed",
                                           "Architecture: i386",
                                           "Version: 2.36-1",
                                           "",
                                           "Package: libc6",
                                           "Architecture: amd64",
                                           "Depends: x",
                                           " Version: 9.9 (folded text)",
                                           "Version: 2.36-9+deb12u10",
                                           "",
                                           "Package: sleepy",
                                           "Version: 1:2.0~rc1",
                                           "Architecture: all"};
  CHECK(VersionIn(status, {"libc6", "amd64"}) == "2.36-9+deb12u10");
  CHECK(VersionIn(status, {"libc6", "i386"}) == "2.36-1");
  CHECK(VersionIn(status, {"sleepy", ""}) == "1:2.0~rc1");
  CHECK(VersionIn(status, {"absent", ""}).empty());
  CHECK(VersionIn({}, {"libc6", ""}).empty());
}

}  // namespace
}  // namespace candor
