// What each package manager says, from files laid out as it lays them out, and from files that
// nobody should meet.
#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "agent/samplers/software/linux_managers.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/software/software_laptop.h"

namespace candor {
namespace {

using testing::DebParagraph;
using testing::DeployFile;
using testing::SoftwareLaptop;

absl::StatusOr<SoftwareList> Read(SoftwareLaptop& laptop, const std::string& manager) {
  std::optional<absl::StatusOr<SoftwareList>> list;
  boost::asio::co_spawn(
      laptop.io, ReadSoftware(laptop.io, laptop.roots, manager),
      [&](std::exception_ptr, absl::StatusOr<SoftwareList> result) { list = std::move(result); });
  laptop.io.restart();
  laptop.io.run();
  return *std::move(list);
}

SoftwareList ListOf(SoftwareLaptop& laptop, const std::string& manager) {
  absl::StatusOr<SoftwareList> list = Read(laptop, manager);
  REQUIRE_OK(list);
  return *std::move(list);
}

TEST_CASE("dpkg: what is there or half there, not what only left its settings") {
  SoftwareLaptop laptop;
  laptop.Write("var/lib/dpkg/status", DebParagraph("dpkg", "1.21.22") +
                                          DebParagraph("bash", "5.2.15-2+b2") +
                                          DebParagraph("held", "1:2.0-1", "hold ok installed") +
                                          DebParagraph("half", "3", "install ok half-configured") +
                                          DebParagraph("left", "4", "deinstall ok config-files") +
                                          DebParagraph("never", "5", "unknown ok not-installed"));
  CHECK(ListOf(laptop, "deb") ==
        SoftwareList{
            {"bash", "5.2.15-2+b2"}, {"dpkg", "1.21.22"}, {"half", "3"}, {"held", "1:2.0-1"}});
}

TEST_CASE("dpkg: another architecture stands behind the name, the system's own does not") {
  SoftwareLaptop laptop;
  const std::string installed = "install ok installed";
  laptop.Write("var/lib/dpkg/status", DebParagraph("libc6", "2.36", installed, "i386") +
                                          DebParagraph("libc6", "2.36", installed, "amd64") +
                                          DebParagraph("tzdata", "2025", installed, "all") +
                                          DebParagraph("dpkg", "1.21.22"));
  CHECK(ListOf(laptop, "deb") ==
        SoftwareList{
            {"dpkg", "1.21.22"}, {"libc6", "2.36"}, {"libc6:i386", "2.36"}, {"tzdata", "2025"}});
}

TEST_CASE("dpkg: a file that is cut off, empty or not there says so and lists nothing") {
  SoftwareLaptop laptop;
  CHECK(absl::IsNotFound(Read(laptop, "deb").status()));
  laptop.Write("var/lib/dpkg/status", "");
  CHECK(absl::IsNotFound(Read(laptop, "deb").status()));
  const std::string whole = DebParagraph("bash", "5.2.15-2+b2") + DebParagraph("vim", "9.0");
  laptop.Write("var/lib/dpkg/status", whole.substr(0, whole.size() - 8));
  CHECK(absl::IsDataLoss(Read(laptop, "deb").status()));
}

TEST_CASE("dpkg: lines of ten megabytes and bytes that are no text do no harm") {
  SoftwareLaptop laptop;
  const std::string endless(10 << 20, 'x');
  laptop.Write("var/lib/dpkg/status", DebParagraph("bash", "5.2") + "Package: " + endless +
                                          "\nVersion: 1\n\nPackage: odd\xff\nDescription: " +
                                          endless + "\nVersion: \xfe 1\nStatus: a b installed\n\n");
  CHECK(ListOf(laptop, "deb") == SoftwareList{{"bash:amd64", "5.2"}, {"odd?", "? 1"}});
}

TEST_CASE("dpkg: a list beyond all measure is refused whole") {
  SoftwareLaptop laptop;
  std::string text;
  for (size_t i = 0; i <= SoftwareLimits::kPackagesMax; ++i) {
    text += "Package: p" + std::to_string(i) + "\nVersion: 1\nStatus: a b installed\n\n";
  }
  laptop.Write("var/lib/dpkg/status", text);
  CHECK(absl::IsResourceExhausted(Read(laptop, "deb").status()));
}

void Deploy(const SoftwareLaptop& laptop, const std::string& ref, const std::string& commit,
            const std::string& version) {
  const std::string branch = "var/lib/flatpak/" + ref;
  std::string deploy = DeployFile(version);
  if (version.empty()) deploy.resize(80);
  laptop.Write(branch + "/" + commit + "/deploy", deploy);
  laptop.Link(branch + "/active", commit);
}

TEST_CASE("flatpak: applications and runtimes of the system, as flatpak list shows them") {
  SoftwareLaptop laptop;
  const std::string commit = "3f5a9c12b8e07d6d1b0f1f0a9b5b7b0e";
  Deploy(laptop, "app/org.mozilla.firefox/x86_64/stable", commit, "145.0.1");
  laptop.Link("var/lib/flatpak/app/org.mozilla.firefox/current", "x86_64/stable");
  Deploy(laptop, "app/org.gnome.Builder/x86_64/beta", commit, "48");
  Deploy(laptop, "runtime/org.freedesktop.Platform/x86_64/24.08", commit, "");
  Deploy(laptop, "runtime/org.freedesktop.Platform/i386/24.08", commit, "24.08.20");
  Deploy(laptop, "runtime/org.mozilla.firefox.Locale/x86_64/stable", commit, "145.0.1");
  CHECK(ListOf(laptop, "flatpak") ==
        SoftwareList{{"org.freedesktop.Platform//24.08", "24.08.20"},
                     {"org.freedesktop.Platform/x86_64/24.08", "3f5a9c12b8e0"},
                     {"org.gnome.Builder//beta", "48"},
                     {"org.mozilla.firefox", "145.0.1"}});
}

TEST_CASE("flatpak: what is not deployed, or a link that leads round, is not there") {
  SoftwareLaptop laptop;
  Deploy(laptop, "app/org.x.Good/x86_64/stable", "aa", "1");
  laptop.Link("var/lib/flatpak/app/org.x.Loop/x86_64/stable/active", "active");
  laptop.Link("var/lib/flatpak/app/org.x.Nowhere/x86_64/stable/active", "gone");
  laptop.Link("var/lib/flatpak/app/org.x.Round", "org.x.Round");
  laptop.Write("var/lib/flatpak/app/README", "");
  laptop.Write("var/lib/flatpak/app/org.x.Undone/x86_64/stable/bb/deploy", DeployFile("2"));
  CHECK(ListOf(laptop, "flatpak") == SoftwareList{{"org.x.Good", "1"}});
}

TEST_CASE("flatpak: its stamp moves when flatpak says that something changed") {
  SoftwareLaptop laptop;
  CHECK(SoftwareStamp(laptop.roots, "flatpak").empty());
  Deploy(laptop, "app/org.x.Good/x86_64/stable", "aa", "1");
  laptop.Write("var/lib/flatpak/.changed", "");
  const std::string before = SoftwareStamp(laptop.roots, "flatpak");
  CHECK(SoftwareStamp(laptop.roots, "flatpak") == before);
  laptop.Write("var/lib/flatpak/.changed", "");
  CHECK(SoftwareStamp(laptop.roots, "flatpak") != before);
}

TEST_CASE("snap: the current revision of each, with the version it gives itself") {
  SoftwareLaptop laptop;
  laptop.Write("snap/firefox/5751/meta/snap.yaml", "name: firefox\nversion: '145.0.1-1'\n");
  laptop.Write("snap/firefox/5600/meta/snap.yaml", "name: firefox\nversion: 144.0\n");
  laptop.Link("snap/firefox/current", "5751");
  laptop.Link("snap/own/current", "x2");
  laptop.Write("snap/bin/firefox", "");
  laptop.Write("snap/README", "");
  CHECK(ListOf(laptop, "snap") == SoftwareList{{"firefox", "145.0.1-1"}, {"own", "x2"}});
  const std::string before = SoftwareStamp(laptop.roots, "snap");
  laptop.Link("snap/firefox/current", "5600");
  CHECK(SoftwareStamp(laptop.roots, "snap") != before);
  CHECK(ListOf(laptop, "snap").at("firefox") == "144.0");
}

TEST_CASE("snap: links that lead round, up or nowhere are no revisions") {
  SoftwareLaptop laptop;
  laptop.Link("snap/round/current", "current");
  laptop.Link("snap/up/current", "../../etc");
  laptop.Link("snap/dots/current", "..");
  laptop.Link("snap/self", "self");
  laptop.Link("snap/good/current", "7");
  laptop.Link("snap/good/7", "7");
  CHECK(ListOf(laptop, "snap") == SoftwareList{{"good", "7"}});
}

TEST_CASE("snap: where there is no /snap, snapd's own folder is meant") {
  SoftwareLaptop laptop;
  CHECK(absl::IsNotFound(Read(laptop, "snap").status()));
  laptop.Write("var/lib/snapd/snap/core22/1/meta/snap.yaml", "version: 20251001\n");
  laptop.Link("var/lib/snapd/snap/core22/current", "1");
  CHECK(ListOf(laptop, "snap") == SoftwareList{{"core22", "20251001"}});
}

TEST_CASE("pacman: the names of its folders hold name and version") {
  SoftwareLaptop laptop;
  for (const char* name : {"bash-5.2.037-1", "gcc-libs-15.2.1+r22+gc4e96a094636-1", "vim-1:9.1-2",
                           "odd", "odd-1", "-1-1"}) {
    laptop.Write(std::string("var/lib/pacman/local/") + name + "/desc", "");
  }
  laptop.Write("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
  CHECK(ListOf(laptop, "pacman") == SoftwareList{{"bash", "5.2.037-1"},
                                                 {"gcc-libs", "15.2.1+r22+gc4e96a094636-1"},
                                                 {"vim", "1:9.1-2"}});
}

TEST_CASE("an rpm database is seen") {
  SoftwareLaptop laptop;
  CHECK_FALSE(HasRpm(laptop.roots));
  laptop.Write("usr/lib/sysimage/rpm/rpmdb.sqlite", "x");
  CHECK(HasRpm(laptop.roots));
}

}  // namespace
}  // namespace candor
