#include "tests/fault/daemon_laptop.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "agent/daemon/control_client.h"
#include "candor/v1/local.pb.h"
#include "common/clock.h"
#include "common/status.h"
#include "tests/fault/enroll_laptop.h"
#include "tests/support/recorded_journal.h"

namespace candor::testing {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPatienceMs = 30'000;

// $1 a folder to stand for /var/log, $2 an empty one for /run/log, then the program.
constexpr char kWithOwnJournal[] =
    "mount --bind \"$1\" /var/log && { [ ! -d /run/log ] || mount --bind \"$2\" /run/log; } && "
    "shift 2 && exec \"$@\"";

std::string FirstLine(const std::string& path) {
  std::string line;
  std::ifstream(path) >> line;
  return line;
}

std::string MachineBootHex() {
  std::string id = FirstLine("/proc/sys/kernel/random/boot_id");
  std::erase(id, '-');
  return id;
}

pid_t ParentOf(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  pid_t parent = -1;
  stat >> id >> name >> state >> parent;
  return parent;
}

RecordedEntry EntryNow(std::vector<std::pair<std::string, std::string>> fields, int64_t later_us) {
  const SystemClock clock;
  return {MachineBootHex(), clock.WallMs() * 1000 + later_us, clock.BoottimeMs() * 1000 + later_us,
          std::move(fields)};
}

RecordedEntry Coredump(const std::string& program, int64_t later_us) {
  return EntryNow({{"MESSAGE_ID", "fc2e22bc6ee647b6b90729ab34a250b1"},
                   {"MESSAGE", "Process 1 (x) of user 1000 dumped core."},
                   {"COREDUMP_PID", "1"},
                   {"COREDUMP_EXE", program},
                   {"COREDUMP_COMM", "x"},
                   {"COREDUMP_SIGNAL", "11"}},
                  later_us);
}

RecordedEntry FailedUnit(const std::string& unit, int64_t later_us) {
  return EntryNow({{"MESSAGE_ID", "d9b373ed55a64feb8242e02dbe79a49c"},
                   {"MESSAGE", unit + ": Failed with result 'exit-code'."},
                   {"UNIT", unit},
                   {"UNIT_RESULT", "exit-code"}},
                  later_us);
}

}  // namespace

bool DaemonLaptop::JournalsPossible() {
  static const bool possible = [] {
    if (FirstLine("/etc/machine-id").empty()) return false;
    if (!fs::exists("/lib/systemd/systemd-journal-remote")) return false;
    const TempFolder folder;
    const std::string bind = "mount --bind \"$1\" /var/log";
    return RunProgram({"unshare", "--mount", "sh", "-c", bind, "sh", folder.path()}).exit_code == 0;
  }();
  return possible;
}

DaemonLaptop::DaemonLaptop(const CollectorFixture& collector, const std::string& token_file,
                           const std::string& folder, const std::string& host)
    : host_(host),
      state_(folder + "/" + host),
      config_(state_ + ".toml"),
      own_journal_(JournalsPossible()) {
  EnrollLaptop(collector, token_file, state_, host);
  std::ofstream(config_) << "[tick]\nactive_s = 1\nidle_s = 1\n"
                         << "[push]\nactive_s = 1\nidle_s = 1\n"
                         << "[uplink]\nsocket = \"\"\nprogram = \"" << ProgramPath("candor-uplink")
                         << "\"\n";
  fs::create_directories(state_ + ".none");
  if (own_journal_)
    AppendJournal(journal_path(), {EntryNow({{"MESSAGE", "the machine is up"}}, 0)});
}

std::string DaemonLaptop::journal_path() const {
  return state_ + ".log/journal/" + FirstLine("/etc/machine-id") + "/system.journal";
}

std::vector<std::string> DaemonLaptop::Words() const {
  std::vector<std::string> words;
  if (own_journal_) {
    words = {"unshare",       "--mount",       "sh", "-c", kWithOwnJournal, "sh",
             state_ + ".log", state_ + ".none"};
  }
  words.insert(words.end(), {ProgramPath("candor-agent"), "--config", config_, "--state", state_});
  return words;
}

void DaemonLaptop::Launch() {
  process_ = std::make_unique<Process>(Process::Command{.words = Words()});
}

void DaemonLaptop::Start() {
  Launch();
  if (!process_->WaitForLine("candor-agent ready", kPatienceMs)) {
    throw std::runtime_error("candor-agent does not start: " + process_->err());
  }
  v1::ControlRequest request;
  request.mutable_push();
  const absl::Status asked =
      AskDaemon(state_ + "/control.sock", request, [](const v1::ControlReply&) {});
  if (!asked.ok()) throw std::runtime_error(std::string(MessageOf(asked)));
}

void DaemonLaptop::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait(kPatienceMs);
}

int DaemonLaptop::End() {
  process_->Signal(SIGTERM);
  return process_->Wait(kPatienceMs).exit_code;
}

pid_t DaemonLaptop::Uplink() const {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (ParentOf(pid) == process_->pid()) return pid;
  }
  return -1;
}

bool DaemonLaptop::KillUplink() {
  const pid_t pid = Uplink();
  return pid > 1 && kill(pid, SIGKILL) == 0;
}

void DaemonLaptop::Fail(uint64_t programs) {
  if (!own_journal_) return;
  std::vector<RecordedEntry> entries;
  for (uint64_t i = 0; i < programs; ++i) {
    const std::string name = "storm-" + std::to_string(++failures_);
    // A millisecond each: nobody's package owns them, so only time tells their events apart.
    const auto later_us = static_cast<int64_t>(2'000 * i);
    entries.push_back(Coredump("/opt/" + name, later_us));
    entries.push_back(FailedUnit(name + ".service", later_us + 1'000));
  }
  AppendJournal(journal_path(), entries);
}

}  // namespace candor::testing
