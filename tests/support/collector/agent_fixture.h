// A real candor-agent with an identity of a fleet, in a state folder of the test's own, beside the
// machine's own agent if there is one.
//
// `collector` must outlive the object. Failures throw std::runtime_error with what the program
// said. One thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/support/collector/collector_fixture.h"
#include "tests/support/process.h"

namespace candor::testing {

class AgentFixture {
 public:
  struct Options {
    std::string settings = {};  // its settings file, but for [uplink]
    // What the daemon is started by: a command that runs the words behind it.
    std::vector<std::string> launcher = {};
    std::map<std::string, std::string> environment = {};
  };

  // Enrols, with the collector running. The daemon is not started yet.
  AgentFixture(CollectorFixture& collector, Options options);
  explicit AgentFixture(CollectorFixture& collector) : AgentFixture(collector, Options()) {}

  // Until it is ready.
  void Start();
  // It comes within ten seconds and brings the configuration, whether or not there is anything to
  // send yet.
  void WaitForFirstPush();
  // SIGTERM, and waits; the exit code.
  int Stop();
  void Kill();
  Process& process() { return *process_; }

  // The rows of `candor-agent WORDS… --format json`.
  nlohmann::json Ask(const std::vector<std::string>& words);
  // Seconds of processor time of the running daemon.
  double CpuSeconds() const;
  const std::string& state() const { return state_; }

 private:
  CollectorFixture& collector_;
  const Options options_;
  const std::string state_;
  std::unique_ptr<Process> process_;
};

// Runs candor-agent somewhere with these words and gives the rows of its answer.
using AskAgent = std::function<nlohmann::json(const std::vector<std::string>& words)>;
// Every value and event that an agent sent, oldest batch first, by its ledger.
std::vector<nlohmann::json> SentRows(const AskAgent& ask);

}  // namespace candor::testing
