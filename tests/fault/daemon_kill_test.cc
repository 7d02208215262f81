// kill -9 of real daemons, their uplinks and the collector at random under load (invariants 1 and
// 2). What is asked of them is read from the spools themselves: whatever a killed daemon's spool
// held, sealed or not, is in the collector's log once in the end, with the same bytes; and every
// core dump and failed unit of the journal is told once, or still counted on the laptop, because
// the position in the journal is saved with what was read there. So is the list of what is
// installed.
//
// CANDOR_ROUNDS sets the number of blows (12), CANDOR_SEED repeats a run.
#include <signal.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "agent/samplers/support/cursors.h"
#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/status.h"
#include "tests/fault/daemon_laptop.h"
#include "tests/fault/log_contents.h"
#include "tests/fault/spool_contents.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/settings.h"

namespace candor::testing {
namespace {

constexpr size_t kLaptops = 3;
constexpr int64_t kDrainMs = 120'000;
constexpr int64_t kAwaitUplinkMs = 2'500;

void Pause(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// Crashes and unit failures, those counted as repeats included; and how often each package of this
// machine was told.
struct Failures {
  uint64_t crashes = 0;
  uint64_t units = 0;
  std::map<std::string, uint64_t> packages;

  void Add(const v1::Contents& contents) {
    for (const v1::Event& event : contents.events()) {
      if (event.has_crash()) crashes += 1 + event.crash().repeats();
      if (event.has_unit_failure()) units += 1 + event.unit_failure().repeats();
      const v1::SoftwareChange& software = event.software_change();
      for (const auto& change : software.changes()) {
        ++packages[software.manager() + " " + change.name()];
      }
    }
  }
};

v1::Contents Open(const std::string& sealed) {
  v1::SealedBatch batch;
  v1::Contents contents;
  REQUIRE_OK(ParseSealed(sealed, batch));
  REQUIRE_OK(ParseContents(batch, contents));
  return contents;
}

v1::Contents Parse(const std::string& pending) {
  v1::Contents contents;
  REQUIRE(contents.ParseFromString(pending));
  return contents;
}

// Failures that come again and again and are still counted (agent/samplers/crash/loops.h).
v1::Contents HeldIn(const SpoolContents& spool) {
  const auto at = spool.cursors.find(std::string(cursor::kCrashLoops));
  return at == spool.cursors.end() ? v1::Contents() : Parse(at->second);
}

// What the spool of one laptop was seen to hold, over all of its daemon's lives.
class Witness {
 public:
  void See(const SpoolContents& spool) {
    if (epoch_ == 0) epoch_ = spool.epoch;
    CHECK(spool.epoch == epoch_);
    CHECK(spool.last_sealed >= last_sealed_);
    last_sealed_ = spool.last_sealed;
    held_ += spool.Held();
    for (const SpoolContents::Batch& batch : spool.batches) {
      CHECK(batch.epoch == epoch_);
      CHECK_FALSE(batch.tombstone);
      CHECK(batch.refused.empty());
      const auto [at, is_new] = sealed_.emplace(batch.seq, batch.sealed);
      if (!is_new) CHECK((at->second == batch.sealed));
    }
    pending_.insert(spool.pending.begin(), spool.pending.end());
  }
  // What is left when all is over and nothing more will be sent.
  void Leave(SpoolContents spool) { left_ = std::move(spool); }

  // Everything that was seen is in `log`, once.
  void Judge(const Log& log, const std::string& host, uint64_t failures) const {
    INFO(host);
    std::map<uint64_t, const LogRow*> rows;
    std::map<std::string, uint64_t> items;
    Failures told;
    uint64_t next_seq = 1;
    for (const LogRow& row : log.rows) {
      if (row.host != host) continue;
      CHECK(row.epoch == epoch_);
      CHECK(row.seq == next_seq);
      REQUIRE(row.kind == LogKind::kBatch);
      next_seq = row.seq_last + 1;
      rows[row.seq] = &row;
      const v1::Contents contents = Open(row.sealed);
      told.Add(contents);
      const auto its_items = ItemsOf(contents);
      REQUIRE_OK(its_items);
      for (const std::string& item : *its_items) ++items[item];
    }
    AddUntold(rows, told);
    CHECK(told.crashes == failures);
    CHECK(told.units == failures);
    JudgePackages(told);
    CHECK(rows.size() >= last_sealed_);
    JudgeSealed(rows);
    JudgeItems(items);
  }

  uint64_t pending() const { return pending_.size(); }
  uint64_t held() const { return held_; }
  bool WasPending(const std::string& contents) const { return pending_.contains(contents); }

 private:
  // What the last daemon left behind, and what it still counted.
  void AddUntold(const std::map<uint64_t, const LogRow*>& rows, Failures& told) const {
    for (const SpoolContents::Batch& batch : left_.batches) {
      if (!rows.contains(batch.seq)) told.Add(Open(batch.sealed));
    }
    for (const std::string& pending : left_.pending) told.Add(Parse(pending));
    told.Add(HeldIn(left_));
  }

  void JudgeSealed(const std::map<uint64_t, const LogRow*>& rows) const {
    uint64_t lost = 0, changed = 0;
    for (const auto& [seq, sealed] : sealed_) {
      const auto at = rows.find(seq);
      if (at == rows.end()) {
        ++lost;
      } else {
        changed += at->second->sealed != sealed || at->second->hash != Sha256(sealed) ? 1 : 0;
      }
    }
    CHECK(lost == 0);
    CHECK(changed == 0);
  }

  // Nothing is installed meanwhile: the list was told once, whoever was killed when.
  static void JudgePackages(const Failures& told) {
    CHECK(told.packages.contains("deb dpkg") == std::filesystem::exists("/var/lib/dpkg/status"));
    uint64_t doubled = 0;
    for (const auto& [package, times] : told.packages) doubled += times > 1 ? 1 : 0;
    CHECK(doubled == 0);
  }

  void JudgeItems(const std::map<std::string, uint64_t>& items) const {
    uint64_t doubled = 0, lost = 0;
    for (const auto& [item, times] : items) doubled += times > 1 ? 1 : 0;
    for (const std::string& pending : pending_) {
      const auto its_items = ItemsOf(Parse(pending));
      REQUIRE_OK(its_items);
      for (const std::string& item : *its_items) lost += items.contains(item) ? 0 : 1;
    }
    CHECK(doubled == 0);
    CHECK(lost == 0);
  }

  uint64_t epoch_ = 0;
  uint64_t last_sealed_ = 0;
  uint64_t held_ = 0;
  std::map<uint64_t, std::string> sealed_;
  std::set<std::string> pending_;
  SpoolContents left_;
};

class DaemonStorm {
 public:
  explicit DaemonStorm(uint64_t seed) : random_(seed) {
    collector_.Start();
    const std::string token = collector_.TokenFile(kLaptops);
    for (size_t i = 0; i < kLaptops; ++i) {
      laptops_[i] = std::make_unique<DaemonLaptop>(collector_, token, collector_.folder(),
                                                   "storm-" + std::to_string(i));
      Settle(i);
      laptops_[i]->Start();
    }
  }

  // Something to tell, and one blow after a moment at random; what was hit.
  std::string Strike() {
    laptops_[random_.Below(kLaptops)]->Fail(1 + random_.Below(12));
    const size_t i = random_.Below(kLaptops);
    const uint64_t blow = random_.Below(9);
    const bool in_push = blow >= 7 || random_.Below(2) == 0;
    if (in_push) {
      AwaitUplink(i);
      Pause(static_cast<int64_t>(random_.Below(80)));
    } else {
      Pause(20 + static_cast<int64_t>(random_.Below(1'000)));
    }
    if (blow < 4) return KillDaemon(i);
    if (blow < 5) return EndDaemon(i);
    if (blow < 7) return KillCollector();
    return laptops_[i]->KillUplink() ? "uplink" : "nothing";
  }

  // Every daemon ends as it should and is started again; lets them send what they had.
  void Drain() {
    for (size_t i = 0; i < kLaptops; ++i) EndDaemon(i);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kDrainMs);
    for (size_t i = 0; i < kLaptops; ++i) {
      INFO(laptops_[i]->host() << " does not get rid of what it held");
      while (!Drained(i)) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        Pause(100);
      }
    }
    for (size_t i = 0; i < kLaptops; ++i) {
      laptops_[i]->Kill();
      auto spool = ReadKilledSpool(laptops_[i]->spool_path());
      REQUIRE_OK(spool);
      witnesses_[i].Leave(*std::move(spool));
    }
  }

  void Judge() {
    const auto log = ReadLog(collector_.data());
    REQUIRE_OK(log);
    for (size_t i = 0; i < kLaptops; ++i) {
      witnesses_[i].Judge(*log, laptops_[i]->host(), laptops_[i]->failures());
    }
    CHECK(log->quarantined == 0);
    batches_ = log->rows.size();
  }

  CollectorFixture& collector() { return collector_; }
  uint64_t batches() const { return batches_; }
  uint64_t failures() const {
    uint64_t sum = 0;
    for (const auto& laptop : laptops_) sum += 2 * laptop->failures();
    return sum;
  }
  // Harvests that were not sealed, and batches that were not acknowledged, when a daemon ended.
  uint64_t pending() const {
    uint64_t sum = 0;
    for (const Witness& witness : witnesses_) sum += witness.pending();
    return sum;
  }
  uint64_t held() const {
    uint64_t sum = 0;
    for (const Witness& witness : witnesses_) sum += witness.held();
    return sum;
  }

 private:
  // A daemon begins at the journal's end: that position is to be on disk before anything happens.
  void Settle(size_t i) {
    for (int64_t wait_ms = 250;; wait_ms *= 2) {
      laptops_[i]->Start();
      Pause(wait_ms);
      REQUIRE(laptops_[i]->End() == 0);
      const auto spool = ReadKilledSpool(laptops_[i]->spool_path());
      REQUIRE_OK(spool);
      witnesses_[i].See(*spool);
      if (!DaemonLaptop::JournalsPossible() || spool->cursors.contains("journal")) return;
      REQUIRE(wait_ms < 10'000);
    }
  }

  void AwaitUplink(size_t i) {
    for (int64_t waited_ms = 0; waited_ms < kAwaitUplinkMs; waited_ms += 5) {
      if (laptops_[i]->Uplink() > 1) return;
      Pause(5);
    }
  }

  void See(size_t i) {
    const auto spool = ReadKilledSpool(laptops_[i]->spool_path());
    REQUIRE_OK(spool);
    witnesses_[i].See(*spool);
  }

  std::string KillDaemon(size_t i) {
    laptops_[i]->Kill();
    See(i);
    if (random_.Below(4) == 0) {
      // Again, while it starts.
      laptops_[i]->Launch();
      Pause(static_cast<int64_t>(random_.Below(120)));
      laptops_[i]->Kill();
      See(i);
    }
    laptops_[i]->Start();
    return "daemon";
  }

  std::string EndDaemon(size_t i) {
    CHECK(laptops_[i]->End() == 0);
    See(i);
    laptops_[i]->Start();
    return "daemon ended";
  }

  std::string KillCollector() {
    collector_.Stop(SIGKILL);
    Pause(static_cast<int64_t>(random_.Below(1'500)));
    collector_.Start();
    return "collector";
  }

  // Everything that was seen is acknowledged, and all that the journal has was read.
  bool Drained(size_t i) {
    const auto spool = ReadLiveSpool(laptops_[i]->pid(), laptops_[i]->spool_path());
    REQUIRE_OK(spool);
    Failures told;
    for (const SpoolContents::Batch& batch : spool->batches) {
      if (batch.state == BatchState::kAcknowledged) told.Add(Open(batch.sealed));
    }
    for (const std::string& pending : spool->pending) {
      if (witnesses_[i].WasPending(pending)) return false;
    }
    told.Add(HeldIn(*spool));
    const uint64_t failures = laptops_[i]->failures();
    return spool->Held() == 0 && told.crashes >= failures && told.units >= failures;
  }

  SeededRandom random_;
  CollectorFixture collector_;
  std::array<std::unique_ptr<DaemonLaptop>, kLaptops> laptops_;
  std::array<Witness, kLaptops> witnesses_;
  uint64_t batches_ = 0;
};

TEST_CASE("kill -9 of daemons, uplinks and collector at random loses and doubles nothing") {
  const uint64_t rounds = FromEnvironment("CANDOR_ROUNDS", 12);
  const uint64_t seed = FromEnvironment("CANDOR_SEED", SystemRandom().Next64() >> 32);
  std::cout << "seed " << seed << ", " << rounds << " rounds"
            << (DaemonLaptop::JournalsPossible()
                    ? ""
                    : "; without core dumps: a journal of its own needs root, a machine id and "
                      "systemd-journal-remote")
            << "\n";
  INFO("CANDOR_SEED=" << seed << " CANDOR_ROUNDS=" << rounds);

  DaemonStorm storm(seed);
  std::map<std::string, uint64_t> hit;
  for (uint64_t round = 0; round < rounds; ++round) ++hit[storm.Strike()];
  storm.Drain();
  storm.collector().Stop();
  storm.collector().Offline("check");
  storm.Judge();

  std::cout << "result: " << rounds << " rounds:";
  for (const auto& [what, times] : hit) std::cout << " " << what << " " << times << ",";
  std::cout << " " << storm.pending() << " unsealed harvests and " << storm.held()
            << " unacknowledged batches seen at an end, " << storm.failures()
            << " failures told once, " << storm.batches() << " batches\n";
  // Each laptop's first clean end alone leaves a harvest.
  CHECK(storm.pending() >= kLaptops);
  CHECK(storm.batches() >= kLaptops);
  if (rounds >= 50) CHECK(storm.held() > 0);
}

}  // namespace
}  // namespace candor::testing
