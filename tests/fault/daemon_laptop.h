// A laptop with the real daemon, for fault tests: candor-agent and the uplink that it starts, with
// a state folder of their own, at the quickest pace that a laptop's own settings allow.
//
// Where the test may mount (root), the daemon sees a journal of the test's own in place of the
// machine's, through a mount namespace; so core dumps and failed units happen when the test wants.
// The program itself knows nothing of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/random.h"
#include "tests/fault/spool_contents.h"
#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {

class DaemonLaptop {
 public:
  // Whether this machine can give a daemon a journal of the test's own.
  static bool JournalsPossible();

  // Enrols. The daemon is not started yet.
  DaemonLaptop(const CollectorFixture& collector, const std::string& token_file,
               const std::string& folder, const std::string& host);

  // Returns without waiting for anything.
  void Launch();
  // Waits until it is ready, then asks for a push as a person would. Throws when it does not start.
  void Start();
  void Kill();
  // SIGTERM; the exit code.
  int End();
  // -1 while no push is under way.
  pid_t Uplink() const;
  // False where the push was over already.
  bool KillUplink();

  // So many programs dump core and as many units fail, all of them different ones, at once. Nothing
  // happens where journals are not possible.
  void Fail(uint64_t programs);
  // What Fail has written in all: as many crashes and unit failures are to be told.
  uint64_t failures() const { return failures_; }

  const std::string& host() const { return host_; }
  std::string spool_path() const { return state_ + "/spool.db"; }
  pid_t pid() const { return process_->pid(); }

 private:
  std::vector<std::string> Words() const;
  std::string journal_path() const;

  const std::string host_;
  const std::string state_;
  const std::string config_;
  const bool own_journal_;
  uint64_t failures_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace candor::testing
