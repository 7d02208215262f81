// candor-agent as a program: what it answers, how it starts, stops and survives.
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "agent/daemon/control_client.h"
#include "agent/daemon/remote_configuration.h"
#include "agent/spool/spool.h"
#include "candor/v1/local.pb.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::Outcome;
using testing::Process;
using testing::RunProgram;

const std::string kAgent = CANDOR_AGENT_PROGRAM;
constexpr int64_t kPatienceMs = 20'000;

size_t Lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

// A state folder, and settings under which pushes fail at once.
struct Home {
  Home() { Configure(""); }
  void Configure(const std::string& more) {
    std::ofstream(config) << "[uplink]\nprogram = \"/bin/false\"\n" << more;
  }
  std::vector<std::string> Words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {kAgent, "--config", config, "--state", state};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Outcome Run(const std::vector<std::string>& more) const { return RunProgram(Words(more)); }

  testing::TempFolder folder;
  std::string config = folder.File("agent.toml");
  std::string state = folder.File("state");
};

struct Daemon {
  explicit Daemon(const Home& home, std::map<std::string, std::string> environment = {})
      : process({.words = home.Words(), .environment = std::move(environment)}) {
    INFO(process.err());
    REQUIRE(process.WaitForLine("candor-agent ready", kPatienceMs));
  }
  void Stop() {
    process.Signal(SIGTERM);
    const Outcome outcome = process.Wait(kPatienceMs);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  Process process;
};

nlohmann::json Rows(const Outcome& outcome) {
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const auto document = nlohmann::json::parse(outcome.out);
  REQUIRE(document["schema"] == "candor/1");
  return document["rows"];
}

TEST_CASE("help and version are answered, wrong usage is 2") {
  REQUIRE(RunProgram({kAgent, "--version"}).exit_code == 0);
  REQUIRE(RunProgram({kAgent, "--version"}).out == "0.1.0\n");
  for (const char* command : {"run", "status", "sample", "ledger", "enroll"}) {
    const Outcome help = RunProgram({kAgent, command, "--help"});
    REQUIRE(help.exit_code == 0);
    REQUIRE_FALSE(help.out.empty());
  }
  const auto wrong = GENERATE(values<std::vector<std::string>>({
      {kAgent, "--colour"},
      {kAgent, "dance"},
      {kAgent, "status", "--format", "xml"},
      {kAgent, "enroll", "--collector", "h:1"},
      {kAgent, "--log-level", "loud"},
  }));
  const Outcome outcome = RunProgram(wrong);
  REQUIRE(outcome.exit_code == 2);
  REQUIRE(outcome.out.empty());
}

TEST_CASE("damaged settings get one line that names file, line and key") {
  Home home;
  home.Configure("[spool]\nsize_mib = -4\n");
  for (const auto& command : std::vector<std::vector<std::string>>{{}, {"status"}, {"sample"}}) {
    const Outcome outcome = home.Run(command);
    REQUIRE(outcome.exit_code == 1);
    REQUIRE(Lines(outcome.err) == 1);
    REQUIRE(outcome.err.find("agent.toml:4") != std::string::npos);
    REQUIRE(outcome.err.find("spool.size_mib") != std::string::npos);
  }
}

TEST_CASE("without a daemon status and ledger say so in one line") {
  const Home home;
  const Outcome outcome = home.Run({GENERATE("status", "ledger")});
  REQUIRE(outcome.exit_code == 1);
  REQUIRE(outcome.out.empty());
  REQUIRE(Lines(outcome.err) == 1);
  REQUIRE(outcome.err.find("not running") != std::string::npos);
}

TEST_CASE("sample tells every metric with its value or the reason, and leaves nothing behind") {
  const Home home;
  std::set<std::string> told;
  for (const auto& row : Rows(home.Run({"sample", "--format", "json"}))) {
    if (!row.contains("value")) continue;
    told.insert(row["name"].get<std::string>());
    const bool measured = row["value"].is_number();
    const bool explained = row["unmeasured"].is_string() && !row["unmeasured"].empty();
    INFO(row.dump());
    REQUIRE(measured != explained);
  }
  for (const MetricEntry& metric : Metrics()) {
    INFO(metric.name);
    REQUIRE(told.contains(std::string(metric.name)));
  }
  REQUIRE(told.contains("disk_free_gib"));
  REQUIRE_FALSE(std::filesystem::exists(home.state));
}

TEST_CASE("the daemon tells the service manager when it is ready, and one line to the log") {
  const Home home;
  const std::string path = home.folder.File("notify");
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  Daemon daemon(home, {{"NOTIFY_SOCKET", path}});
  char said[64] = {};
  const timeval limit{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  REQUIRE(recv(fd, said, sizeof said - 1, 0) > 0);
  REQUIRE(std::string(said) == "READY=1");
  close(fd);
  daemon.Stop();
}

TEST_CASE("a running daemon answers, and a failing push does not disturb it") {
  Home home;
  Daemon daemon(home);
  REQUIRE(daemon.process.WaitForLine("push failed", kPatienceMs));
  const auto rows = Rows(home.Run({"status", "--format", "json"}));
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0]["version"] == "0.1.0");
  REQUIRE(rows[0]["last_push_outcome"] == "the uplink ended without a word");
  REQUIRE(rows[0]["rss_kib"].get<int64_t>() > 1'000);
  REQUIRE(rows[0]["measured"].size() >= Metrics().size());
  REQUIRE(Rows(home.Run({"ledger", "--format", "json"})).empty());
  const Outcome missing = home.Run({"ledger", "--batch", "7"});
  REQUIRE(missing.exit_code == 1);
  REQUIRE(Lines(missing.err) == 1);

  SECTION("a second daemon on the same state is refused with one line") {
    const Outcome second = home.Run({});
    REQUIRE(second.exit_code == 1);
    REQUIRE(Lines(second.err) == 1);
    REQUIRE(second.err.find("lock") != std::string::npos);
  }
  SECTION("SIGHUP applies the log's level and names what needs a restart") {
    home.Configure("[spool]\nsize_mib = 17\n");
    daemon.process.Signal(SIGHUP);
    const auto line = daemon.process.WaitForLine("need a restart", kPatienceMs);
    REQUIRE(line);
    REQUIRE(line->find("spool.size_mib") != std::string::npos);
    REQUIRE(daemon.process.WaitForLine("settings read again", kPatienceMs));
    std::ofstream(home.config) << "log_level = \"error\"\n[uplink]\nprogram = \"/bin/false\"\n";
    daemon.process.Signal(SIGHUP);
    // What is said from now on is an error at least; the end of the daemon is told at a lower
    // level.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const size_t said = daemon.process.err().size();
    daemon.Stop();
    REQUIRE(daemon.process.err().find("candor-agent stopping", said) == std::string::npos);
    return;
  }
  SECTION("broken settings on SIGHUP are told and change nothing") {
    home.Configure("nonsense = 1\n");
    daemon.process.Signal(SIGHUP);
    REQUIRE(daemon.process.WaitForLine("settings not read again", kPatienceMs));
    home.Configure("");
    daemon.process.Signal(SIGHUP);
    REQUIRE(daemon.process.WaitForLine("settings read again", kPatienceMs));
  }
  daemon.Stop();
}

TEST_CASE(
    "SIGTERM spools the open minute, and kill -9 leaves a spool that the next run goes on with") {
  const Home home;
  {
    Daemon daemon(home);
    // The first tick's samples are in once the daemon answers with them.
    while (Rows(home.Run({"status", "--format", "json"}))[0]["measured"].empty()) {
    }
    daemon.Stop();
  }
  uint64_t epoch = 0;
  {
    SpoolOptions options;
    options.path = home.state + "/spool.db";
    // As the daemon opened it, or another machine's epoch would begin.
    std::ifstream("/etc/machine-id") >> options.machine_id;
    const SystemClock clock;
    SystemRandom random;
    auto spool = Spool::Open(options, clock, random);
    REQUIRE_OK(spool);
    REQUIRE((*spool)->Figures().pending >= 1);
    epoch = (*spool)->Position()->epoch;
    REQUIRE(epoch != 0);
  }
  {
    Daemon daemon(home);
    daemon.process.Signal(SIGKILL);
    daemon.process.Wait(kPatienceMs);
  }
  Daemon again(home);
  const auto rows = Rows(home.Run({"status", "--format", "json"}));
  char text[17];
  std::snprintf(text, sizeof text, "%016lx", static_cast<unsigned long>(epoch));
  REQUIRE(rows[0]["epoch"] == text);
  again.Stop();
}

// The end of a child that asks the daemon as a user of no rights; 0 where it was answered.
int AskAsNobody(const std::string& control_socket) {
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65'534;
    if (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(77);
    v1::ControlRequest request;
    request.mutable_status();
    _exit(AskDaemon(control_socket, request, [](const v1::ControlReply&) {}).ok() ? 0 : 1);
  }
  int state = 0;
  waitpid(child, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

TEST_CASE("whoever sits at the laptop may ask, and finds nothing else in the state folder") {
  if (geteuid() != 0) return;  // nobody else to be
  const Home home;
  // The test's own folder is not the agent's to open.
  std::filesystem::permissions(home.folder.path(), std::filesystem::perms(0711));
  SECTION("the daemon makes the folder") {}
  SECTION("enrolling made it") {
    std::filesystem::create_directories(home.state);
    std::filesystem::permissions(home.state, std::filesystem::perms(0700));
  }
  Daemon daemon(home);
  REQUIRE(AskAsNobody(home.state + "/control.sock") == 0);
  for (const auto& entry : std::filesystem::directory_iterator(home.state)) {
    INFO(entry.path());
    const auto others = entry.status().permissions() & std::filesystem::perms(0077);
    const bool open_to_others = others != std::filesystem::perms::none;
    const auto name = entry.path().filename();
    REQUIRE(open_to_others == (name == "control.sock" || name == "session.sock"));
  }
  REQUIRE((std::filesystem::status(home.state).permissions() & std::filesystem::perms(0077)) ==
          std::filesystem::perms(0011));
  daemon.Stop();
}

TEST_CASE("a collector's configuration that may not be read is said to be just that") {
  if (geteuid() != 0) return;
  const testing::TempFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
  const std::string state = folder.File("state");
  std::filesystem::create_directories(state);
  std::ofstream(state + "/configuration.bin") << "secret";
  std::filesystem::permissions(state + "/configuration.bin", std::filesystem::perms(0600));
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    if (setgid(65'534) != 0 || setuid(65'534) != 0) _exit(77);
    AgentSettings settings;
    settings.state = state;
    const RemoteConfiguration configuration(settings);
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char bytes[512];
  for (ssize_t got = 0; (got = read(ends[0], bytes, sizeof bytes)) > 0;) {
    said.append(bytes, static_cast<size_t>(got));
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  REQUIRE(said.find("may not be read by this user") != std::string::npos);
}

TEST_CASE("enroll hands its arguments on and gives back the uplink's exit code") {
  Home home;
  const std::string program = home.folder.File("uplink");
  std::ofstream(program) << "#!/bin/sh\necho \"$*\"; exit 7\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  std::ofstream(home.config) << "[uplink]\nprogram = \"" << program << "\"\n";
  const Outcome outcome =
      home.Run({"enroll", "--collector", "c:7444", "--token-file", "t", "--ca-fingerprint", "f0",
                "--label", "department=Sales", "--label", "site=Bonn"});
  REQUIRE(outcome.exit_code == 7);
  REQUIRE(outcome.out == "enroll --collector c:7444 --token-file t --ca-fingerprint f0 --state " +
                             home.state + " --label department=Sales --label site=Bonn\n");
}

}  // namespace
}  // namespace candor
