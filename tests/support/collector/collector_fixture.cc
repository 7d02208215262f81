#include "tests/support/collector/collector_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace candor::testing {
namespace {

using nlohmann::json;

constexpr int64_t kStartMs = 30'000;
constexpr int64_t kStopMs = 60'000;

std::string PortOf(const std::string& line, const std::string& key) {
  const auto address = FieldOf(line, key);
  if (!address) throw std::runtime_error("no " + key + "= in the ready line: " + line);
  return address->substr(address->rfind(':') + 1);
}

std::string Slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::string ProgramPath(const std::string& name) {
  static const std::map<std::string, std::string> programs = {
      {"candor", CANDOR_CLI_PROGRAM},
      {"candor-agent", CANDOR_AGENT_PROGRAM},
      {"candor-session", CANDOR_SESSION_PROGRAM},
      {"candor-uplink", CANDOR_UPLINK_PROGRAM},
      {"candor-collector", CANDOR_COLLECTOR_PROGRAM},
      {"candor-loadgen", CANDOR_LOADGEN_PROGRAM},
  };
  return programs.at(name);
}

const Outcome& RequireSuccess(const Outcome& outcome, const std::string& what) {
  if (outcome.exit_code == 0) return outcome;
  throw std::runtime_error(what + " ended with " + std::to_string(outcome.exit_code) + ": " +
                           outcome.err + outcome.out);
}

CollectorFixture::CollectorFixture(std::string settings)
    : folder_(home_.path()), settings_(std::move(settings)) {
  std::ofstream(folder_ + "/collector.toml") << settings_;
  RequireSuccess(RunProgram({ProgramPath("candor-collector"), "init", "--data", data()}),
                 "candor-collector init");
  fingerprint_ = Slurp(data() + "/ca.sha256");
  fingerprint_ = fingerprint_.substr(0, fingerprint_.find_first_of(" \n"));
}

CollectorFixture::CollectorFixture(CloneTag, const CollectorFixture& original)
    : folder_(home_.path()),
      settings_(original.settings_),
      fingerprint_(original.fingerprint_),
      fleet_port_(original.fleet_port_),
      enroll_port_(original.enroll_port_),
      http_port_(original.http_port_) {
  std::filesystem::copy(
      original.folder_, folder_,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
}

std::unique_ptr<CollectorFixture> CollectorFixture::Clone() const {
  return std::unique_ptr<CollectorFixture>(new CollectorFixture(CloneTag(), *this));
}

CollectorFixture::~CollectorFixture() {
  if (running()) Stop(SIGKILL);
}

void CollectorFixture::Start(const std::map<std::string, std::string>& environment) {
  process_ = std::make_unique<Process>(Process::Command{
      .words = {ProgramPath("candor-collector"), "--config", folder_ + "/collector.toml", "--data",
                data(), "--listen", "127.0.0.1:" + fleet_port_, "--enroll",
                "127.0.0.1:" + enroll_port_, "--http", "127.0.0.1:" + http_port_},
      .environment = environment});
  const auto line = process_->WaitForLine("candor-collector ready", kStartMs);
  if (!line) throw std::runtime_error("candor-collector does not start: " + process_->err());
  fleet_port_ = PortOf(*line, "fleet");
  enroll_port_ = PortOf(*line, "enroll");
  http_port_ = PortOf(*line, "http");
}

int CollectorFixture::Stop(int signal) {
  process_->Signal(signal);
  const Outcome outcome = process_->Wait(kStopMs);
  process_.reset();
  return outcome.exit_code;
}

int CollectorFixture::Stop() {
  process_->Signal(SIGTERM);
  const Outcome outcome = process_->Wait(kStopMs);
  process_.reset();
  RequireSuccess(outcome, "candor-collector");
  return outcome.exit_code;
}

Outcome CollectorFixture::Candor(const std::vector<std::string>& words, int64_t timeout_ms) {
  std::vector<std::string> command = {ProgramPath("candor")};
  command.insert(command.end(), words.begin(), words.end());
  return RunProgram(
      command, timeout_ms,
      {{"CANDOR_COLLECTOR", fleet_address()}, {"CANDOR_CREDENTIAL", data() + "/admin.toml"}});
}

json CollectorFixture::Rows(std::vector<std::string> words) {
  words.push_back("--format");
  words.push_back("json");
  std::string said = "candor";
  for (const std::string& word : words) said += " " + word;
  const Outcome outcome = Candor(words);
  RequireSuccess(outcome, said);
  const json document = json::parse(outcome.out, nullptr, false);
  if (document.is_discarded() || !document.contains("rows")) {
    throw std::runtime_error(said + " did not print a document with rows: " + outcome.out);
  }
  return document["rows"];
}

std::string CollectorFixture::TokenFile(uint32_t uses) {
  const json rows = Rows({"token", "create", "--uses", std::to_string(uses)});
  const std::string path = folder_ + "/token" + std::to_string(++tokens_);
  std::ofstream(path) << rows.at(0).at("token").get<std::string>() << "\n";
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return path;
}

std::vector<std::string> CollectorFixture::PlayWords(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {ProgramPath("candor-loadgen"),
                                      "--collector",
                                      enroll_address(),
                                      "--ca-fingerprint",
                                      fingerprint_,
                                      "--identities",
                                      identities()};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

Outcome CollectorFixture::Play(const std::vector<std::string>& words, int64_t timeout_ms) {
  return RequireSuccess(RunProgram(PlayWords(words), timeout_ms), "candor-loadgen");
}

std::unique_ptr<Process> CollectorFixture::StartPlay(const std::vector<std::string>& words) {
  return std::make_unique<Process>(Process::Command{.words = PlayWords(words)});
}

std::string CollectorFixture::HttpGet(const std::string& path) const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(http_port_)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
      std::array<char, 4096> buffer;
      ssize_t got = 0;
      while ((got = read(fd, buffer.data(), buffer.size())) > 0) {
        answer.append(buffer.data(), static_cast<size_t>(got));
      }
    }
  }
  close(fd);
  return answer;
}

std::optional<double> CollectorFixture::Metric(const std::string& name) {
  const std::string page = HttpGet("/metrics");
  const std::string wanted = "\ncandor_" + name + " ";
  const size_t at = page.find(wanted);
  if (at == std::string::npos) return std::nullopt;
  return std::stod(page.substr(at + wanted.size()));
}

void CollectorFixture::WaitFolded(int64_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (std::chrono::steady_clock::now() < deadline) {
    if (Metric("fold_lag_rows") == 0.0 && Metric("fold_score_days_behind").value_or(0) == 0.0) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  throw std::runtime_error("the folds do not catch up with the log");
}

Outcome CollectorFixture::Offline(const std::string& command, int64_t timeout_ms) {
  const Outcome outcome =
      RunProgram({ProgramPath("candor-collector"), command, "--data", data()}, timeout_ms);
  RequireSuccess(outcome, "candor-collector " + command);
  return outcome;
}

std::string CollectorFixture::Dump() { return Offline("dump").out; }

}  // namespace candor::testing
