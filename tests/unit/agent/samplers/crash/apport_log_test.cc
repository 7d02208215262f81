// apport's log: its lines, and the file across appends, rotation and damage.
#include "agent/samplers/crash/apport_log.h"

#include <filesystem>
#include <fstream>

#include "agent/samplers/crash/linux_apport.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

// 2026-11-27 09:12:01 on the machine's own clock face.
constexpr int64_t kLocalMs = 1'795'770'721'000;

std::vector<ApportReport> TakeAll(const std::vector<std::string>& lines) {
  ApportLines reader;
  std::vector<ApportReport> reports;
  for (const std::string& line : lines) {
    if (auto report = reader.Take(line)) reports.push_back(*std::move(report));
  }
  return reports;
}

TEST_CASE("a report of apport 2.28: pid, signal, program and time") {
  const auto reports = TakeAll(
      {"INFO: apport (pid 812) 2026-11-27 09:12:01,123: called for pid 4711, signal 11, core limit "
       "0, dump mode 1",
       "INFO: apport (pid 812) 2026-11-27 09:12:01,456: executable: /usr/bin/edit or (command line "
       "\"/usr/bin/edit or --secret (x)\")",
       "INFO: apport (pid 812) 2026-11-27 09:12:03,001: wrote report /var/crash/_usr_bin.crash"});
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].pid == 4711);
  CHECK(reports[0].signal == 11);
  CHECK(reports[0].executable == "/usr/bin/edit or");
  CHECK(reports[0].local_ms == kLocalMs + 123);
}

TEST_CASE("a report of apport 2.20, with its words for level, time and pid") {
  const auto reports = TakeAll(
      {"ERROR: apport (pid 9) Fri Nov 27 09:12:01 2026: called for global pid 77, signal 6, core "
       "limit 18446744073709551615, dump mode 1",
       "ERROR: apport (pid 9) Fri Nov 27 09:12:01 2026: script: /usr/bin/software-properties-gtk, "
       "interpreted by /usr/bin/python3.10 (command line \"/usr/bin/python3 …\")"});
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].pid == 77);
  CHECK(reports[0].signal == 6);
  CHECK(reports[0].executable == "/usr/bin/software-properties-gtk");
  CHECK(reports[0].local_ms == kLocalMs);
}

TEST_CASE("a run that found nothing to report is no crash, and does not disturb the next") {
  const std::string call =
      "INFO: apport (pid 1) 2026-11-27 09:12:01,000: called for pid 5, signal 11, core limit 0, d";
  const std::string next =
      "INFO: apport (pid 2) 2026-11-27 09:13:01,000: called for pid 6, signal 6, core limit 0, d";
  const std::string program =
      "INFO: apport (pid 2) 2026-11-27 09:13:02,000: executable: /usr/bin/x (command line \"x\")";
  SECTION("a session that was closing") {
    const auto reports = TakeAll(
        {call,
         "ERROR: apport (pid 1) 2026-11-27 09:12:01,100: happens for shutting down session, "
         "ignoring",
         next, program});
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].pid == 6);
  }
  SECTION("a dump that was asked for") {
    CHECK(TakeAll({"INFO: apport (pid 2) 2026-11-27 09:13:01,000: called for pid 6, signal 3, core "
                   "limit 0, dump mode 1",
                   program})
              .empty());
  }
  SECTION("lines of another run") { CHECK(TakeAll({call, program}).empty()); }
}

TEST_CASE("other lines, cut lines and lines of anybody else tell nothing") {
  const std::string call =
      "INFO: apport (pid 1) 2026-11-27 09:12:01,000: called for pid 5, signal 11, core limit 0, d";
  const std::string program =
      "INFO: apport (pid 1) 2026-11-27 09:12:02,000: executable: /usr/bin/x (command line \"x\")";
  for (size_t cut = 0; cut < 68; ++cut) {
    CAPTURE(cut);
    CHECK(TakeAll({call.substr(0, cut), program}).empty());
  }
  CHECK(TakeAll({call, program.substr(0, 60)}).empty());
  CHECK(TakeAll({"INFO: apport (pid 1) yesterday: called for pid 5, signal 11, core", program})
            .empty());
  CHECK(TakeAll({"INFO: apport (pid 1) 2026-11-27 09:12:01,000: called for pid x, signal 11, core",
                 program})
            .empty());
  CHECK(TakeAll({"Traceback (most recent call last):", "", ": apport (pid ", program}).empty());
}

struct LogFile {
  std::string path() const { return folder.File("apport.log"); }
  void Append(const std::string& text) const { std::ofstream(path(), std::ios::app) << text; }
  void Report(uint32_t pid) const {
    const std::string head = "INFO: apport (pid 1) 2026-11-27 09:12:01,000: ";
    Append(head + "called for pid " + std::to_string(pid) + ", signal 11, core limit 0, d\n" +
           head + "executable: /usr/bin/x (command line \"x\")\n");
  }
  std::vector<uint32_t> Read(LinuxApportLog& log) const {
    std::vector<uint32_t> pids;
    const auto entries = log.Read();
    REQUIRE(entries.ok());
    for (const LinuxApportLog::Entry& entry : *entries) pids.push_back(entry.report.pid);
    return pids;
  }
  testing::TempFolder folder;
};
using Pids = std::vector<uint32_t>;

TEST_CASE("the log is read behind its position, each report once") {
  const LogFile file;
  file.Report(1);
  LinuxApportLog log(file.path(), "");
  CHECK(file.Read(log).empty());  // before the first start nobody watched
  file.Report(2);
  file.Report(3);
  CHECK(file.Read(log) == Pids{2, 3});
  CHECK(file.Read(log).empty());
  file.Report(4);
  LinuxApportLog again(file.path(), log.position());
  CHECK(file.Read(again) == Pids{4});
}

TEST_CASE("a log that comes only with its first report is read from its beginning") {
  const LogFile file;
  LinuxApportLog log(file.path(), "");
  CHECK(file.Read(log).empty());
  LinuxApportLog restarted(file.path(), log.position());
  file.Report(1);
  CHECK(file.Read(restarted) == Pids{1});
}

TEST_CASE("half a report is read again after a restart, and a line that is still written waits") {
  const LogFile file;
  LinuxApportLog log(file.path(), "");
  CHECK(file.Read(log).empty());
  file.Append("INFO: apport (pid 1) 2026-11-27 09:12:01,000: called for pid 7, signal 6, core\n");
  CHECK(file.Read(log).empty());
  LinuxApportLog restarted(file.path(), log.position());
  file.Append("INFO: apport (pid 1) 2026-11-27 09:12:02,000: executable: /usr/bin/x (comm");
  CHECK(file.Read(restarted).empty());
  file.Append("and line \"x\")\n");
  CHECK(file.Read(restarted) == Pids{7});
  CHECK(file.Read(log) == Pids{7});
}

TEST_CASE("rotation loses nothing, whether or not the agent ran meanwhile") {
  const LogFile file;
  file.Report(1);
  LinuxApportLog log(file.path(), "");
  CHECK(file.Read(log).empty());
  file.Report(2);
  std::filesystem::rename(file.path(), file.path() + ".1");
  SECTION("with a new log") {
    file.Report(3);
    LinuxApportLog restarted(file.path(), log.position());
    CHECK(file.Read(restarted) == Pids{2, 3});
    CHECK(file.Read(log) == Pids{2, 3});
  }
  SECTION("before there is one") {
    CHECK(file.Read(log) == Pids{2});
    file.Report(3);
    CHECK(file.Read(log) == Pids{3});
  }
  SECTION("twice") {
    std::filesystem::rename(file.path() + ".1", file.path() + ".2.gz");
    file.Report(4);
    CHECK(file.Read(log) == Pids{4});
  }
}

TEST_CASE("many reports come in portions, across a rotation too") {
  const LogFile file;
  LinuxApportLog log(file.path(), "0:0");
  for (uint32_t pid = 1; pid <= 100; ++pid) file.Report(pid);
  Pids all = file.Read(log);
  CHECK(all.size() == LinuxApportLog::kReportsMax);
  std::filesystem::rename(file.path(), file.path() + ".1");
  file.Report(101);
  for (int round = 0; round < 6; ++round) {
    for (const uint32_t pid : file.Read(log)) all.push_back(pid);
  }
  REQUIRE(all.size() == 101);
  for (uint32_t pid = 1; pid <= 101; ++pid) CHECK(all[pid - 1] == pid);
}

TEST_CASE("a log emptied in place, a line without end, a position that is none") {
  const LogFile file;
  LinuxApportLog log(file.path(), "0:0");
  file.Report(1);
  file.Report(2);
  CHECK(file.Read(log) == Pids{1, 2});
  std::filesystem::resize_file(file.path(), 0);
  file.Report(3);
  CHECK(file.Read(log) == Pids{3});
  file.Append(std::string(3 * LinuxApportLog::kReadBytesMax, 'x') + "\n");
  file.Report(4);
  Pids pids;
  for (int round = 0; round < 8; ++round) {
    for (const uint32_t pid : file.Read(log)) pids.push_back(pid);
  }
  CHECK(pids == Pids{4});
  const std::string position = GENERATE("x", "1:", ":1", "-1:5", "1:99999999999999999999");
  LinuxApportLog fresh(file.path(), position);
  CHECK(file.Read(fresh).empty());
}

TEST_CASE("a log that cannot be read is an error with its path") {
  const LogFile file;
  std::filesystem::create_directory(file.path());
  LinuxApportLog log(file.path(), "0:0");
  const auto entries = log.Read();
  REQUIRE_FALSE(entries.ok());
  CHECK(std::string(entries.status().message()).find("apport.log") != std::string::npos);
}

}  // namespace
}  // namespace candor
