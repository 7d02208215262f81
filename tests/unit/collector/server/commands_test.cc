// The collector whole, in this process, with its offline commands.
#include "collector/server/commands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "collector/server/collector.h"
#include "collector/server/offline.h"
#include "common/files.h"
#include "common/log.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::TempFolder;

bool Mentions(const absl::Status& status, const std::string& text) {
  return status.message().find(text) != std::string_view::npos;
}

struct CommandFolder {
  CommandFolder() {
    std::ostringstream said;
    REQUIRE_OK(RunInit(data, {"collector.example.org"}, said));
    REQUIRE(said.str().find("collector.example.org") != std::string::npos);
    settings.data = data;
    settings.listen_fleet = "127.0.0.1:0";
    settings.listen_enroll = "127.0.0.1:0";
    settings.listen_http = "127.0.0.1:0";
  }
  std::unique_ptr<Collector> Start() {
    auto collector = Collector::Start(settings, clock, random);
    REQUIRE_OK(collector);
    return *std::move(collector);
  }
  void Change(const std::string& sql) {
    auto store = OpenOffline(data);
    REQUIRE_OK(store);
    REQUIRE_OK((*store)->write_connection().Execute(sql));
  }
  absl::Status Check(bool quick = false) {
    out.str("");
    return RunCheck(data, quick, out, {});
  }

  TempFolder folder;
  std::string data = folder.File("data");
  CollectorSettings settings;
  SystemClock clock;
  SystemRandom random;
  std::ostringstream out;
};

TEST_CASE("a new collector starts, names its ports and stops") {
  CommandFolder f;
  auto collector = f.Start();
  for (const std::string& address :
       {collector->fleet_address(), collector->enroll_address(), collector->http_address()}) {
    INFO(address);
    REQUIRE(address.starts_with("127.0.0.1:"));
    REQUIRE(address != "127.0.0.1:0");
  }
  collector.reset();
  collector = f.Start();
}

TEST_CASE("a second collector on the same folder or port is refused with the reason") {
  CommandFolder f;
  auto collector = f.Start();
  auto second = Collector::Start(f.settings, f.clock, f.random);
  REQUIRE(absl::IsUnavailable(second.status()));
  REQUIRE(Mentions(second.status(), f.data));

  CommandFolder other;
  other.settings.listen_fleet = collector->fleet_address();
  auto third = Collector::Start(other.settings, other.clock, other.random);
  REQUIRE(absl::IsUnavailable(third.status()));
  REQUIRE(Mentions(third.status(), collector->fleet_address()));
  REQUIRE(Mentions(third.status(), "Address already in use"));
}

TEST_CASE("a second start changes nothing in a running collector's folder") {
  CommandFolder f;
  auto collector = f.Start();
  const std::string path = f.data + "/server.pem";
  const std::string before = *ReadFile(path);
  // By this clock the certificate is to be renewed.
  const testing::ManualClock late(f.clock.WallMs() + int64_t{300} * 86'400'000);
  REQUIRE(absl::IsUnavailable(Collector::Start(f.settings, late, f.random).status()));
  REQUIRE(*ReadFile(path) == before);
  collector.reset();
  REQUIRE_OK(Collector::Start(f.settings, late, f.random));
  REQUIRE(*ReadFile(path) != before);
}

TEST_CASE("offline commands leave a running collector's folder alone") {
  CommandFolder f;
  auto collector = f.Start();
  REQUIRE(absl::IsUnavailable(f.Check()));
  REQUIRE(absl::IsUnavailable(RunDump(f.data, f.out, {})));
  REQUIRE(absl::IsUnavailable(RunRebuild(f.data, f.out, {})));
  collector.reset();
  REQUIRE_OK(f.Check());
}

TEST_CASE("a folder that was never initialised is refused with what to do") {
  TempFolder folder;
  std::ostringstream out;
  for (const absl::Status& status :
       {RunCheck(folder.path(), false, out, {}), RunDump(folder.path(), out, {}),
        RunRebuild(folder.path(), out, {})}) {
    REQUIRE(absl::IsNotFound(status));
    REQUIRE(Mentions(status, "candor-collector init --data " + folder.path()));
  }
  CollectorSettings settings;
  settings.data = folder.path();
  SystemClock clock;
  SystemRandom random;
  REQUIRE(Mentions(Collector::Start(settings, clock, random).status(), "candor-collector init"));
}

TEST_CASE("check says what is sound, and leaves nothing behind") {
  CommandFolder f;
  REQUIRE_OK(f.Check());
  for (const char* part : {"database: sound", "log: sound", "audit: sound", "folds: sound"}) {
    INFO(f.out.str());
    REQUIRE(f.out.str().find(part) != std::string::npos);
  }
  for (const auto& entry : std::filesystem::directory_iterator(f.data)) {
    REQUIRE_FALSE(entry.path().filename().string().starts_with("check-"));
  }
  REQUIRE_OK(f.Check(true));
  REQUIRE(f.out.str().find("folds") == std::string::npos);
}

TEST_CASE("check works in a folder whose name holds a quote") {
  CommandFolder f;
  const std::string quoted = f.folder.File("o'brien's");
  std::filesystem::rename(f.data, quoted);
  f.data = quoted;
  REQUIRE_OK(f.Check());
  INFO(f.out.str());
  REQUIRE(f.out.str().find("folds: sound") != std::string::npos);
}

TEST_CASE("check finds folds that the log does not give") {
  CommandFolder f;
  f.Change(
      "INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
      "certificate_not_after_ms) VALUES (1, '11111111-2222-4333-8444-555555555555', 'h', 0, '', 0);"
      "INSERT INTO score (device, day, model, score, coverage, provisional, lost_min) "
      "VALUES (1, 20000, 'candor-1', 99, 1, 0, 0)");
  const absl::Status status = f.Check();
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(f.out.str().find("folds: WRONG") != std::string::npos);
  REQUIRE_OK(f.Check(true));
}

TEST_CASE("check finds a changed audit row and a damaged log") {
  CommandFolder f;
  f.Change(
      "UPDATE audit SET actor = 'somebody else';"
      "INSERT INTO log (device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
      "sealed_through_day, sealed) VALUES (1, 1, 1, 1, 0, x'00', 0, 0, 0, x'00')");
  const absl::Status status = f.Check(true);
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(f.out.str().find("log: WRONG") != std::string::npos);
  REQUIRE(f.out.str().find("audit: WRONG") != std::string::npos);
}

TEST_CASE("a rebuild that had to leave something out says so") {
  CommandFolder f;
  REQUIRE_OK(RunRebuild(f.data, f.out, {}));
  f.Change(
      "INSERT INTO log (device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
      "sealed_through_day, sealed) VALUES (1, 1, 1, 1, 0, x'00', 0, 0, 0, x'00')");
  const absl::Status status = RunRebuild(f.data, f.out, {});
  REQUIRE(absl::IsDataLoss(status));
  REQUIRE(Mentions(status, "1 batches or events in the log cannot be read"));
}

TEST_CASE("a lost or empty database is no new fleet") {
  CommandFolder f;
  const std::string database = f.data + "/candor.db";
  const bool empty = GENERATE(false, true);
  std::filesystem::remove(database);
  if (empty) REQUIRE_OK(WriteFileAtomically(database, "", 0600));
  const absl::Status started = Collector::Start(f.settings, f.clock, f.random).status();
  for (const absl::Status& status : {started, f.Check(), RunRebuild(f.data, f.out, {})}) {
    INFO(status.ToString());
    REQUIRE(Mentions(status, database + (empty ? " is empty" : " is missing")));
  }
  REQUIRE(std::filesystem::exists(database) == empty);
}

TEST_CASE("reloading settings keeps the listeners where they are") {
  CommandFolder f;
  auto collector = f.Start();
  CollectorSettings changed = f.settings;
  changed.push_active_s = 60;
  changed.listen_fleet = "127.0.0.1:1";
  const std::string before = collector->fleet_address();
  collector->Reload(changed);
  REQUIRE(collector->fleet_address() == before);
}

// What goes to standard error while it lives.
class StandardError {
 public:
  explicit StandardError(const std::string& path) : path_(path), before_(dup(STDERR_FILENO)) {
    const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
    close(fd);
  }
  ~StandardError() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  std::string Said() const { return *ReadFile(path_); }

 private:
  std::string path_;
  int before_;
};

TEST_CASE("reloading settings changes what is logged from then on") {
  CommandFolder f;
  auto collector = f.Start();
  const StandardError log(f.folder.File("stderr"));
  LogDebug("not yet");
  f.settings.log_level = "debug";
  collector->Reload(f.settings);
  LogDebug("from here");
  f.settings.log_level = "error";
  collector->Reload(f.settings);
  LogWarning("no more");
  f.settings.log_level = "info";
  collector->Reload(f.settings);
  const std::string said = log.Said();
  CHECK(said.find("not yet") == std::string::npos);
  CHECK(said.find("from here") != std::string::npos);
  CHECK(said.find("no more") == std::string::npos);
}

}  // namespace
}  // namespace candor
