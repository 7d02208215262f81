#include "tests/support/collector/agent_fixture.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace candor::testing {
namespace {

// A start, and an end.
constexpr int64_t kReadyMs = 20'000;
constexpr int64_t kPushMs = 60'000;

}  // namespace

AgentFixture::AgentFixture(CollectorFixture& collector, Options options)
    : collector_(collector), options_(std::move(options)), state_(collector.folder() + "/agent") {
  RequireSuccess(
      RunProgram({ProgramPath("candor-agent"), "enroll", "--collector", collector.enroll_address(),
                  "--token-file", collector.TokenFile(1), "--ca-fingerprint",
                  collector.fingerprint(), "--label", "department=Tests", "--state", state_}),
      "candor-agent enroll");
  std::ofstream(collector.folder() + "/agent.toml")
      << options_.settings << "[uplink]\nprogram = \"" << ProgramPath("candor-uplink")
      << "\"\nsocket = \"\"\n";
}

void AgentFixture::Start() {
  std::vector<std::string> words = options_.launcher;
  words.insert(words.end(), {ProgramPath("candor-agent"), "--config",
                             collector_.folder() + "/agent.toml", "--state", state_});
  process_ = std::make_unique<Process>(
      Process::Command{.words = words, .environment = options_.environment});
  if (!process_->WaitForLine("candor-agent ready", kReadyMs)) {
    throw std::runtime_error("candor-agent does not start: " + process_->err());
  }
}

void AgentFixture::WaitForFirstPush() {
  if (!process_->WaitForLine("configuration applied", kPushMs)) {
    throw std::runtime_error("the agent does not push: " + process_->err());
  }
}

int AgentFixture::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait(kReadyMs).exit_code;
}

void AgentFixture::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait(kReadyMs);
}

nlohmann::json AgentFixture::Ask(const std::vector<std::string>& words) {
  std::vector<std::string> all = {ProgramPath("candor-agent"), "--state", state_};
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {"--format", "json"});
  const Outcome outcome = RunProgram(all);
  RequireSuccess(outcome, "candor-agent " + words.at(0));
  return nlohmann::json::parse(outcome.out).at("rows");
}

double AgentFixture::CpuSeconds() const {
  std::ifstream stat("/proc/" + std::to_string(process_->pid()) + "/stat");
  std::string line;
  std::getline(stat, line);
  // Behind the program's name: state, ten numbers, then user and system time in ticks.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  if (!(fields >> user >> system)) throw std::runtime_error("no processor time: " + line);
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::vector<nlohmann::json> SentRows(const AskAgent& ask) {
  std::vector<nlohmann::json> sent;
  const nlohmann::json batches = ask({"ledger", "--limit", "0"});
  for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
    if (!batch->contains("seq") || batch->at("seq").is_null()) continue;
    const std::string seq = std::to_string(batch->at("seq").get<int64_t>());
    for (nlohmann::json& row : ask({"ledger", "--batch", seq})) sent.push_back(std::move(row));
  }
  return sent;
}

}  // namespace candor::testing
