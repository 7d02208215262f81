// Whether a system is kept up to date: versions, package files, and the whole of it on files.
#include <boost/asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "agent/samplers/health/deb_packages.h"
#include "agent/samplers/health/linux_updates.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr int64_t kDayMs = 86'400'000;

std::vector<DebPackage> Packages(std::string_view text, size_t piece_bytes = 1 << 20) {
  std::vector<DebPackage> packages;
  const auto add = [&](const DebPackage& package) { packages.push_back(package); };
  DebParagraphs paragraphs;
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    paragraphs.Feed(text.substr(at, piece_bytes), add);
  }
  paragraphs.End(add);
  return packages;
}

std::string Paragraph(const std::string& name, const std::string& version,
                      const std::string& status = "") {
  return "Package: " + name + "\n" + (status.empty() ? "" : "Status: " + status + "\n") +
         "Architecture: amd64\nVersion: " + version + "\nDescription: x\n Version: 9\n\n";
}

TEST_CASE("package files are read whatever pieces they come in") {
  const std::string text = "\n" + Paragraph("a", "1:2-3", "install ok installed") +
                           "Package: half\n\n" + Paragraph("b", "2") + "Package: last\nVersion: 1";
  for (const size_t piece : {1UL, 2UL, 3UL, 7UL, 64UL, 4096UL}) {
    const auto packages = Packages(text, piece);
    REQUIRE(packages.size() == 3);
    CHECK(packages[0].name == "a");
    CHECK(packages[0].version == "1:2-3");
    CHECK(packages[0].architecture == "amd64");
    CHECK(packages[0].status == "install ok installed");
    CHECK(packages[1].status.empty());
    CHECK(packages[2].name == "last");
  }
}

TEST_CASE("a line without end is passed over, not kept") {
  const std::string endless = "Package: a\nVersion: " + std::string(1 << 20, '1') +
                              "\nVersion: 2\n\n" + Paragraph("b", "3");
  for (const size_t piece : {100UL, 1UL << 21}) {
    const auto packages = Packages(endless, piece);
    REQUIRE(packages.size() == 2);
    CHECK(packages[0].version == "2");
    CHECK(packages[1].name == "b");
  }
}

TEST_CASE("what waits is installed and older than the list has it") {
  DebUpdates updates;
  const auto installed = [&](const std::string& name, const std::string& status) {
    updates.AddInstalled({name, "amd64", "1.0", status});
  };
  installed("old", "install ok installed");
  installed("held", "hold ok installed");
  installed("removed", "deinstall ok config-files");
  installed("broken", "install ok not-installed");
  installed("same", "install ok installed");
  installed("newer", "install ok installed");
  for (const char* name : {"old", "held", "removed", "broken", "other"}) {
    updates.AddAvailable({name, "amd64", "1.1", ""});
  }
  updates.AddAvailable({"old", "amd64", "1.2", ""});  // twice is once
  updates.AddAvailable({"same", "amd64", "1.0", ""});
  updates.AddAvailable({"newer", "amd64", "0.9", ""});
  updates.AddAvailable({"same", "i386", "2.0", ""});
  CHECK(updates.pending() == std::set<std::string>{"held:amd64", "old:amd64"});
}

TEST_CASE("the longest waiting is remembered without its name") {
  WaitingSince waiting;
  waiting.Update({"openssl:amd64", "curl:amd64"}, 100);
  waiting.Update({"openssl:amd64", "curl:amd64", "bash:amd64"}, 103);
  CHECK(waiting.LongestDays(105) == 5);
  const std::string text = waiting.Text();
  CHECK(text.find("openssl") == std::string::npos);
  WaitingSince later(text);
  CHECK(later.LongestDays(106) == 6);
  later.Update({"bash:amd64"}, 107);
  CHECK(later.LongestDays(107) == 4);
  later.Update({}, 108);
  CHECK(later.LongestDays(200) == 0);
  CHECK(later.Text().empty());
}

TEST_CASE("what is remembered is bounded, and text that is none is passed over") {
  std::set<std::string> many;
  for (int i = 0; i < 1000; ++i) many.insert("p" + std::to_string(i) + ":amd64");
  WaitingSince waiting;
  waiting.Update({"p7:amd64"}, 10);
  waiting.Update(many, 20);
  CHECK(waiting.LongestDays(20) == 10);
  CHECK(waiting.Text().size() < 4096);
  CHECK(WaitingSince("x y:z :: 1:").LongestDays(5) == 0);
  WaitingSince from_the_future("abcd:900");
  CHECK(from_the_future.LongestDays(10) == 0);
}

struct DebianMachine {
  DebianMachine() {
    context.roots.var = folder.File("var");
    context.roots.etc = folder.File("etc");
    context.roots.run = folder.File("run");
    context.roots.usr = folder.File("usr");
    Write(DpkgStatus(), Paragraph("openssl", "3.0.11-1~deb12u2", "install ok installed") +
                            Paragraph("bash", "5.2.15-2+b2", "install ok installed"));
    Write(List(), Paragraph("openssl", "3.0.15-1~deb12u1") + Paragraph("apache2", "2.4.62-1"));
    SetAge("var/lib/apt/lists", 0);
  }

  std::string DpkgStatus() const { return "var/lib/dpkg/status"; }
  std::string List() const {
    return "var/lib/apt/lists/security.debian.org_debian-security_dists_bookworm-security_main_"
           "binary-amd64_Packages";
  }
  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path full = folder.File(path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
    SetAge(path, 0);
  }
  // On the test's own clock.
  void SetAge(const std::string& path, int days) const {
    const auto changed_ms = std::chrono::milliseconds(clock.WallMs() - days * kDayMs - 1'000);
    std::filesystem::last_write_time(
        folder.File(path), std::chrono::file_clock::from_sys(
                               std::chrono::sys_time<std::chrono::milliseconds>(changed_ms)));
  }
  void Sample(const absl::Status& var = absl::OkStatus()) {
    if (!updates) updates.emplace(context);
    recorder.gauges.clear();
    boost::asio::co_spawn(
        io, updates->SampleSlowly({clock.WallMs(), clock.BoottimeMs(), true, true}, var),
        boost::asio::detached);
    io.restart();
    io.run();
  }
  int64_t Value(uint32_t metric) const { return recorder.gauges.at({metric, ""}); }
  std::string Reason(uint32_t metric) const {
    CHECK(recorder.gauges.count({metric, ""}) == 0);
    return recorder.unmeasured.at({metric, ""});
  }

  testing::TempFolder folder;
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  std::string saved;
  SamplerContext context{io, clock, recorder, {}, [this](std::string_view name) {
                           return name == "security_updates" ? saved : std::string();
                         }};
  std::optional<UpdatesSampler> updates;
};

TEST_CASE("a security update that waits is counted, with the days it has waited") {
  DebianMachine machine;
  machine.Sample();
  CHECK(machine.Value(metric::kSecurityUpdates) == 1);
  CHECK(machine.Value(metric::kSecurityUpdatesAge) == 0);
  machine.clock.Advance(3 * kDayMs);
  machine.Sample();
  CHECK(machine.Value(metric::kSecurityUpdatesAge) == 3);

  SECTION("over a restart of the agent") {
    machine.saved = machine.recorder.cursors.at("security_updates");
    CHECK(machine.saved.find("openssl") == std::string::npos);
    machine.updates.reset();
    machine.clock.Advance(kDayMs);
    machine.Sample();
    CHECK(machine.Value(metric::kSecurityUpdatesAge) == 4);
  }
  SECTION("until it is installed") {
    machine.Write(machine.DpkgStatus(),
                  Paragraph("openssl", "3.0.15-1~deb12u1", "install ok installed"));
    machine.Sample();
    CHECK(machine.Value(metric::kSecurityUpdates) == 0);
    CHECK(machine.Value(metric::kSecurityUpdatesAge) == 0);
    CHECK(machine.recorder.cursors.at("security_updates").empty());
  }
}

TEST_CASE("files that did not change are not read again") {
  DebianMachine machine;
  machine.Sample();
  // As long as before and of the same time: only who reads it sees the difference.
  std::ofstream(machine.folder.File(machine.DpkgStatus()))
      << Paragraph("openssl", "3.0.99-1~deb12u2", "install ok installed")
      << Paragraph("bash", "5.2.15-2+b2", "install ok installed");
  machine.SetAge(machine.DpkgStatus(), 0);
  machine.Sample();
  CHECK(machine.Value(metric::kSecurityUpdates) == 1);
  machine.SetAge(machine.DpkgStatus(), 1);
  machine.Sample();
  CHECK(machine.Value(metric::kSecurityUpdates) == 0);
}

TEST_CASE("lists that are old, compressed or missing say nothing") {
  DebianMachine machine;
  const std::string list = machine.folder.File(machine.List());
  SECTION("old") {
    machine.SetAge("var/lib/apt/lists", 14);
    machine.Sample();
    CHECK(machine.Value(metric::kSecurityUpdates) == 1);
    machine.SetAge("var/lib/apt/lists", 15);
    machine.Sample();
    CHECK(machine.Reason(metric::kSecurityUpdates).find("15 days") != std::string::npos);
    machine.Reason(metric::kSecurityUpdatesAge);
    machine.Write("var/lib/apt/periodic/update-success-stamp", "");
    machine.Sample();
    CHECK(machine.Value(metric::kSecurityUpdates) == 1);
  }
  SECTION("compressed") {
    std::filesystem::rename(list, list + ".lz4");
    machine.Sample();
    CHECK(machine.Reason(metric::kSecurityUpdates).find("compressed") != std::string::npos);
  }
  SECTION("missing") {
    std::filesystem::remove(list);
    machine.Sample();
    CHECK(machine.Reason(metric::kSecurityUpdates).find("no list") != std::string::npos);
  }
  SECTION("not of security updates") {
    std::filesystem::rename(list, machine.folder.File("var/lib/apt/lists/deb.debian.org_debian_"
                                                      "dists_bookworm_main_binary-amd64_Packages"));
    machine.Sample();
    CHECK(machine.Reason(metric::kSecurityUpdates).find("no list") != std::string::npos);
  }
}

TEST_CASE("a dpkg without packages, or none, is no system without updates") {
  DebianMachine machine;
  SECTION("empty") { machine.Write(machine.DpkgStatus(), ""); }
  SECTION("none") { std::filesystem::remove(machine.folder.File(machine.DpkgStatus())); }
  machine.Sample();
  machine.Reason(metric::kSecurityUpdates);
  machine.Reason(metric::kSecurityUpdatesAge);
}

TEST_CASE("where /var may not answer nothing below it is read, and the rest is told") {
  DebianMachine machine;
  machine.Write("run/reboot-required", "");
  machine.Sample(absl::NotFoundError("lies elsewhere"));
  CHECK(machine.Reason(metric::kSecurityUpdates) == "lies elsewhere");
  CHECK(machine.Reason(metric::kSecurityUpdatesAge) == "lies elsewhere");
  CHECK(machine.Reason(metric::kPackagesAge) == "lies elsewhere");
  CHECK(machine.Value(metric::kRebootRequired) == 1);
}

TEST_CASE("a restart is asked for, not asked for, or nobody would ask") {
  DebianMachine machine;
  machine.Sample();
  CHECK(machine.Reason(metric::kRebootRequired).find("nothing here tells") != std::string::npos);
  machine.Write("etc/kernel/postinst.d/unattended-upgrades", "");
  machine.Sample();
  CHECK(machine.Value(metric::kRebootRequired) == 0);
  machine.Write("run/reboot-required", "*** System restart required ***\n");
  machine.Sample();
  CHECK(machine.Value(metric::kRebootRequired) == 1);
}

TEST_CASE("packages age from the package manager's last change, of any of them") {
  DebianMachine machine;
  machine.SetAge(machine.DpkgStatus(), 40);
  machine.Sample();
  CHECK(machine.Value(metric::kPackagesAge) == 40);
  machine.Write("usr/lib/sysimage/rpm/rpmdb.sqlite", "");
  machine.SetAge("usr/lib/sysimage/rpm/rpmdb.sqlite", 12);
  machine.Sample();
  CHECK(machine.Value(metric::kPackagesAge) == 12);
  machine.SetAge(machine.DpkgStatus(), -2);
  machine.Sample();
  CHECK(machine.Reason(metric::kPackagesAge).find("clock") != std::string::npos);
}

TEST_CASE("large lists leave room for the daemon's other work") {
  DebianMachine machine;
  std::string large;
  for (int i = 0; i < 60'000; ++i) large += Paragraph("p" + std::to_string(i), "1.0");
  machine.Write(machine.List(), large + Paragraph("bash", "6.0"));
  machine.updates.emplace(machine.context);
  bool done = false;
  int turns = 0;
  const std::function<void()> turn = [&] {
    ++turns;
    if (!done) boost::asio::post(machine.io, turn);
  };
  boost::asio::post(machine.io, turn);
  boost::asio::co_spawn(
      machine.io,
      machine.updates->SampleSlowly({machine.clock.WallMs(), 0, true, true}, absl::OkStatus()),
      [&](const std::exception_ptr&) { done = true; });
  machine.io.run();
  CHECK(machine.Value(metric::kSecurityUpdates) == 1);
  // One between any two pieces of 64 KiB.
  CHECK(turns >= static_cast<int>(large.size() >> 16));
}

}  // namespace
}  // namespace candor
