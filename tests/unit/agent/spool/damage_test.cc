// Damaged files and full disks: measuring goes on, nothing loops, and what was lost is told.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/agent/spool/full_disk.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::HeldBatches;
using testing::NumberedHarvest;
using testing::SpoolInFolder;
namespace fs = std::filesystem;

void Overwrite(const std::string& path, int64_t at, const std::string& bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE(::pwrite(fd, bytes.data(), bytes.size(), at) == static_cast<ssize_t>(bytes.size()));
  ::close(fd);
}

int DamagedFiles(const SpoolInFolder& test) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(test.folder.path())) {
    const std::string name = entry.path().filename().string();
    count += name.find(".damaged-") != std::string::npos && !name.ends_with("-wal");
  }
  return count;
}

int CountNotices(Spool& spool, const std::string& code) {
  REQUIRE_OK(spool.Seal());
  int count = 0;
  for (const auto& batch : HeldBatches(spool)) count += batch.Notices(code);
  return count;
}

TEST_CASE("a file that is no database is set aside, told, and measuring goes on in a new epoch") {
  SpoolInFolder test;
  test.AddSealed(1);
  const uint64_t epoch = test.Position().epoch;
  test.spool.reset();
  const std::string garbage = GENERATE(std::string(8'192, '\x5a'), std::string("short"));
  std::ofstream(test.options.path, std::ios::binary | std::ios::trunc) << garbage;
  test.Reopen();
  REQUIRE(DamagedFiles(test) == 1);
  REQUIRE(test.Position().epoch != epoch);
  REQUIRE(CountNotices(*test.spool, "spool_set_aside") == 1);
  test.Reopen();
  REQUIRE(DamagedFiles(test) == 1);
  REQUIRE(CountNotices(*test.spool, "spool_set_aside") == 1);
}

TEST_CASE("damage found while running is set aside, and the cursors move to the fresh database") {
  SpoolInFolder test;
  for (int i = 1; i <= 40; ++i) test.AddSealed(i, true);
  const uint64_t epoch = test.Position().epoch;
  // A reopened spool has nothing of the file in its cache.
  test.Reopen();
  for (int64_t page = 2; page < 12; ++page) {
    Overwrite(test.options.path, page * 4'096, std::string(4'096, '\xff'));
  }
  int n = 40;
  while (DamagedFiles(test) == 0 && n < 50) {
    REQUIRE_OK(test.spool->Add(NumberedHarvest(++n)));
    static_cast<void>(test.spool->Seal());
    static_cast<void>(test.spool->Position());
  }
  REQUIRE(DamagedFiles(test) == 1);
  REQUIRE(test.Position().epoch != epoch);
  REQUIRE(CountNotices(*test.spool, "spool_set_aside") == 1);
  test.Crash();
  REQUIRE(test.spool->Cursor("journal") == std::to_string(n));
}

TEST_CASE("only the newest few damaged files are kept") {
  SpoolInFolder test;
  for (int i = 0; i < 5; ++i) {
    test.spool.reset();
    std::ofstream(test.options.path, std::ios::binary | std::ios::trunc) << "nonsense" << i;
    test.clock.Advance(1'000);
    test.Reopen();
  }
  REQUIRE(DamagedFiles(test) == 2);
}

void SetSchema(const SpoolInFolder& test, const std::string& version) {
  auto db = Database::Open(test.options.path, {});
  REQUIRE_OK(db);
  REQUIRE_OK(db->Execute("PRAGMA user_version=" + version));
}

TEST_CASE(
    "a spool of a newer version is no damage: it is refused, and whole when that one is back") {
  SpoolInFolder test;
  test.AddSealed(1);
  test.spool.reset();
  SetSchema(test, "999");
  const auto refused = Spool::Open(test.options, test.clock, test.random);
  REQUIRE_FALSE(refused.ok());
  REQUIRE(std::string(refused.status().message()).find("newer version") != std::string::npos);
  REQUIRE(std::string(refused.status().message()).find(test.options.path) != std::string::npos);
  REQUIRE(DamagedFiles(test) == 0);
  SetSchema(test, "1");
  test.Reopen();
  REQUIRE(HeldBatches(*test.spool)[0].Numbers() == std::vector<int64_t>{1});
}

TEST_CASE("no notice says where the spool lies: a path can name a person") {
  SpoolInFolder test;
  test.spool.reset();
  const std::string home = test.folder.File("home/alice");
  fs::create_directories(home);
  test.options.path = home + "/spool.db";
  std::ofstream(test.options.path) << std::string(8'192, '\x5a');
  test.Reopen();
  REQUIRE_OK(test.spool->Seal());
  const auto held = HeldBatches(*test.spool);
  const std::string text = held.at(0).contents.events(0).agent_notice().text();
  REQUIRE(text.find("set aside as spool.db.damaged-") != std::string::npos);
  REQUIRE(text.find("not a database") != std::string::npos);
  REQUIRE(text.find("alice") == std::string::npos);
  REQUIRE(text.find('/') == std::string::npos);
}

TEST_CASE("one batch whose bytes rotted becomes a tombstone, the others go on") {
  SpoolInFolder test;
  for (int n = 1; n <= 3; ++n) test.AddSealed(n);
  const std::string second_chain = HeldBatches(*test.spool)[1].chain;
  test.spool.reset();
  {
    auto db = Database::Open(test.options.path, {});
    REQUIRE_OK(db);
    REQUIRE_OK(db->Execute("UPDATE sealed SET bytes = CAST(X'00ff00' AS BLOB) WHERE id = 2"));
  }
  test.Reopen();
  const auto held = HeldBatches(*test.spool);
  REQUIRE(held.size() == 3);
  REQUIRE(held[1].batch.has_tombstone());
  REQUIRE(held[1].batch.tombstone().last_hash() == second_chain);
  REQUIRE(held[2].Numbers() == std::vector<int64_t>{3});
  REQUIRE(CountNotices(*test.spool, "batch_damaged") == 1);
}

TEST_CASE("a full disk: harvests wait in memory and are written when space returns") {
  testing::FullDisk disk;
  SpoolOptions options;
  options.vfs = testing::FullDisk::name();
  SpoolInFolder test(options);
  test.AddSealed(1);
  disk.set_full(true);
  for (int n = 2; n <= 10; ++n) {
    REQUIRE(absl::IsResourceExhausted(test.spool->Add(NumberedHarvest(n, n == 5))));
  }
  REQUIRE(test.spool->Cursor("journal") == "10");
  REQUIRE_FALSE(test.spool->Seal().ok());
  REQUIRE(test.Position().last_sealed == 1);
  REQUIRE(test.spool->Figures().pending == 9);
  REQUIRE(test.spool->Figures().in_memory == 9);
  REQUIRE(test.spool->Figures().failure == "database or disk is full");

  disk.set_full(false);
  test.AddSealed(11);
  REQUIRE(test.spool->Figures().in_memory == 0);
  REQUIRE(test.spool->Figures().failure.empty());
  std::vector<int64_t> numbers;
  for (const auto& batch : HeldBatches(*test.spool)) {
    for (const int64_t n : batch.Numbers()) numbers.push_back(n);
  }
  REQUIRE(numbers == std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  REQUIRE(CountNotices(*test.spool, "measurements_lost") == 0);
}

TEST_CASE("a nearly full disk: what the write-ahead log holds makes room before anything waits") {
  testing::FullDisk disk;
  SpoolOptions options;
  options.vfs = testing::FullDisk::name();
  options.ledger_bytes_max = 8 << 10;
  SpoolInFolder test(options);
  const auto measure_and_send = [&](int n) {
    INFO("harvest " << n);
    REQUIRE_OK(test.spool->Add(NumberedHarvest(n, n % 7 == 0)));
    REQUIRE_OK(test.spool->Seal());
    const SpoolPosition position = test.Position();
    REQUIRE_OK(test.spool->Acknowledge(position.epoch, position.last_sealed, {}));
  };
  disk.set_room(400 << 10);
  for (int n = 1; n <= 400; ++n) measure_and_send(n);
  // Others took the rest. What the spool has is enough for as much as it holds.
  disk.set_room(0);
  for (int n = 401; n <= 800; ++n) measure_and_send(n);
  REQUIRE(test.Position().last_sealed == 800);
  REQUIRE(test.spool->Figures().pending == 0);
}

TEST_CASE("a disk that stays full: the oldest windows go first, and the exact loss is told") {
  testing::FullDisk disk;
  SpoolOptions options;
  options.vfs = testing::FullDisk::name();
  options.backlog_bytes_max = 1'000;
  SpoolInFolder test(options);
  disk.set_full(true);
  for (int n = 1; n <= 60; ++n) static_cast<void>(test.spool->Add(NumberedHarvest(n, n == 2)));
  REQUIRE(test.spool->Figures().pending_bytes <= 1'000);
  const uint64_t kept = test.spool->Figures().pending;
  REQUIRE(kept > 5);
  REQUIRE(test.spool->Figures().lost_harvests == 60 - kept);
  disk.set_full(false);
  test.AddSealed(61);
  std::vector<int64_t> numbers;
  std::string text;
  int crashes = 0;
  for (const auto& batch : HeldBatches(*test.spool)) {
    for (const int64_t n : batch.Numbers()) numbers.push_back(n);
    for (const auto& event : batch.contents.events()) {
      crashes += event.has_crash();
      text += event.agent_notice().text();
    }
  }
  REQUIRE(numbers.size() == kept + 1);
  REQUIRE(numbers.front() == 2);
  REQUIRE(crashes == 1);
  REQUIRE(text.find(std::to_string(60 - kept) + " harvests lost") != std::string::npos);
  REQUIRE(text.find(std::to_string(60 - kept) + " windows of disk_free_gib") != std::string::npos);
}

TEST_CASE("an agent that starts on a full disk measures, and spools once there is space") {
  testing::FullDisk disk;
  SpoolOptions options;
  options.vfs = testing::FullDisk::name();
  SpoolInFolder test(options);
  test.spool.reset();
  fs::remove(test.options.path);
  disk.set_full(true);
  test.Reopen();
  REQUIRE_FALSE(test.spool->Add(NumberedHarvest(1)).ok());
  REQUIRE_FALSE(test.spool->Position().ok());
  disk.set_full(false);
  test.AddSealed(2);
  REQUIRE(HeldBatches(*test.spool)[0].Numbers() == std::vector<int64_t>{1, 2});
}

TEST_CASE("an acknowledgement that cannot be stored is only repeated, never half done") {
  testing::FullDisk disk;
  SpoolOptions options;
  options.vfs = testing::FullDisk::name();
  SpoolInFolder test(options);
  for (int n = 1; n <= 3; ++n) test.AddSealed(n);
  HeldBatches(*test.spool);
  const auto figures = test.spool->Figures();
  disk.set_full(true);
  REQUIRE_FALSE(test.spool->Acknowledge(test.Position().epoch, 2, {}).ok());
  REQUIRE(test.spool->Figures().held_bytes == figures.held_bytes);
  REQUIRE(test.Position().first_held == 1);
  disk.set_full(false);
  REQUIRE_OK(test.spool->Acknowledge(test.Position().epoch, 2, {}));
  REQUIRE(test.Position().first_held == 3);
}

}  // namespace
}  // namespace candor
