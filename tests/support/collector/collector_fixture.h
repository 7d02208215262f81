// A real candor-collector in a folder of the test's own, with the programs that talk to it. Ports
// are picked by the system at the first start and kept for the life of the object.
//
// Failures throw std::runtime_error with what the program said, which a test shows as its failure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

// Where this build's programs are.
std::string ProgramPath(const std::string& name);

class CollectorFixture {
 public:
  // Runs `candor-collector init` in a new folder. `settings` becomes its configuration file.
  explicit CollectorFixture(std::string settings = "");
  ~CollectorFixture();

  // `environment` is added to the test's own.
  void Start(const std::map<std::string, std::string>& environment = {});
  // SIGTERM, and waits; the exit code. SIGKILL for a crash.
  int Stop(int signal);
  int Stop();
  bool running() { return process_ != nullptr && process_->running(); }
  Process& process() { return *process_; }

  // A copy of the stopped collector's data folder under another collector, which takes the same
  // ports (the laptops know them): only one of the two can run at a time.
  std::unique_ptr<CollectorFixture> Clone() const;

  const std::string& folder() const { return folder_; }
  std::string data() const { return folder_ + "/data"; }
  const std::string& fingerprint() const { return fingerprint_; }
  std::string enroll_address() const { return "127.0.0.1:" + enroll_port_; }
  std::string fleet_address() const { return "127.0.0.1:" + fleet_port_; }
  const std::string& http_port() const { return http_port_; }

  // A file with a new token.
  std::string TokenFile(uint32_t uses);

  // `candor WORDS…` as the first administrator.
  Outcome Candor(const std::vector<std::string>& words, int64_t timeout_ms = 120'000);
  // The rows of `candor WORDS… --format json`.
  nlohmann::json Rows(std::vector<std::string> words);

  // Plays a fleet with candor-loadgen; `words` are added to collector, fingerprint and identities.
  Outcome Play(const std::vector<std::string>& words, int64_t timeout_ms = 600'000);
  // The same, not waited for.
  std::unique_ptr<Process> StartPlay(const std::vector<std::string>& words);
  std::string identities() const { return folder_ + "/identities"; }

  // A number of the local listener's /metrics, without the "candor_" in front.
  std::optional<double> Metric(const std::string& name);
  // Waits until folds and scores are up with the log.
  void WaitFolded(int64_t timeout_ms = 300'000);

  // `candor-collector dump` of the stopped collector.
  std::string Dump();
  // `candor-collector COMMAND --data …` of the stopped collector.
  Outcome Offline(const std::string& command, int64_t timeout_ms = 300'000);

 private:
  struct CloneTag {};
  CollectorFixture(CloneTag, const CollectorFixture& original);
  std::vector<std::string> PlayWords(const std::vector<std::string>& words) const;
  std::string HttpGet(const std::string& path) const;

  TempFolder home_;
  std::string folder_;
  std::string settings_;
  std::string fingerprint_;
  std::string fleet_port_ = "0";
  std::string enroll_port_ = "0";
  std::string http_port_ = "0";
  uint32_t tokens_ = 0;
  std::unique_ptr<Process> process_;
};

// Throws unless the program ended well.
const Outcome& RequireSuccess(const Outcome& outcome, const std::string& what);

}  // namespace candor::testing
