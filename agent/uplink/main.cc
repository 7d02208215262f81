// candor-uplink: wiring only.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/synchronization/mutex.h"
#include "agent/uplink/enroll.h"
#include "agent/uplink/push.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/privileges.h"
#include "common/random.h"
#include "common/standard_output.h"
#include "common/status.h"
#include "common/tls/token_file.h"
#include "common/usage.h"
#include "common/version.h"

namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
// After its deadline a push still says how it ended, which takes two seconds at most.
constexpr int kLastResortS = 5;
constexpr char kDefaultState[] = "/var/lib/candor-uplink";

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "candor-uplink: %s\n", std::string(candor::MessageOf(status)).c_str());
  return kFailure;
}

int RunEnroll(candor::EnrollOptions options, const std::string& token_file) {
  if (absl::Status wrong = candor::CheckEnrollOptions(options); !wrong.ok()) {
    Fail(wrong);
    return kWrongUsage;
  }
  absl::StatusOr<std::string> token = candor::ReadTokenFile(token_file);
  if (!token.ok()) return Fail(token.status());
  options.token = *std::move(token);
  if (absl::Status status = candor::BecomeOwnerOf(options.state); !status.ok()) return Fail(status);
  const candor::SystemClock clock;
  candor::SystemRandom random;
  const absl::StatusOr<candor::DeviceIdentity> identity = candor::Enroll(options, clock, random);
  if (!identity.ok()) return Fail(identity.status());
  std::printf("enrolled as device %s; the fleet is at %s\n", identity->device_id.c_str(),
              identity->credential.collector.c_str());
  return 0;
}

// Started by a socket unit, the connection is the first descriptor after standard error.
absl::Status CheckActivation(int fd) {
  const char* count = std::getenv("LISTEN_FDS");
  if (count == nullptr || std::string(count) == "1") return absl::OkStatus();
  return absl::InvalidArgumentError(
      "push needs exactly one socket (LISTEN_FDS=" + std::string(count) + ", descriptor " +
      std::to_string(fd) + ")");
}

int RunPush(candor::PushOptions options) {
  // Whatever hangs, this process is gone a little after its deadline.
  options.on_deadline = [](int64_t left_ms) {
    alarm(static_cast<unsigned>(left_ms / 1000 + kLastResortS));
  };
  if (absl::Status status = CheckActivation(options.fd); !status.ok()) return Fail(status);
  const candor::SystemClock clock;
  candor::SystemRandom random;
  const absl::Status status = candor::Push(options, clock, random);
  return status.ok() ? 0 : Fail(status);
}

CLI::App* AddEnroll(CLI::App& app, candor::EnrollOptions& options, std::string& token_file) {
  CLI::App* command = app.add_subcommand("enroll", "Give this laptop its identity");
  command->add_option("--collector", options.enrollment, "Enrolment listener of the collector")
      ->required()
      ->type_name("HOST:PORT");
  command->add_option("--token-file", token_file, "File that holds the token")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--ca-fingerprint", options.ca_fingerprint,
                   "SHA-256 of the fleet's authority, as candor-collector init printed it")
      ->required()
      ->type_name("SHA256");
  command->add_option("--label", options.labels, "Label of this laptop, may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--host", options.host, "Name to be shown instead of this machine's")
      ->type_name("NAME");
  command->add_option("--state", options.state, "Folder with the identity")
      ->capture_default_str()
      ->type_name("DIR");
  command->add_flag("--again", options.again, "Enrol as a new device though enrolled already");
  return command;
}

void AddPush(CLI::App& app, candor::PushOptions& options) {
  CLI::App* command = app.add_subcommand("push", "Carry one push (started by candor-agent)");
  command->add_option("--fd", options.fd, "Descriptor of the socket to the daemon")
      ->capture_default_str()
      ->check(CLI::Range(3, 1023));
  command->add_option("--state", options.state, "Folder with the identity")
      ->capture_default_str()
      ->type_name("DIR");
  command
      ->add_option("--enroll-file", options.enroll_file, "How to enrol where there is no identity")
      ->capture_default_str()
      ->type_name("FILE");
}

int Main(int argc, char** argv) {
  CLI::App app{"Carries what the agent measured to the collector, over mutual TLS.",
               "candor-uplink"};
  app.set_version_flag("--version", std::string(candor::kVersion));
  app.require_subcommand(1);
  std::string log_level = "warning";
  app.add_option("--log-level", log_level, "debug, info, warning, error")->capture_default_str();
  std::string token_file;
  candor::EnrollOptions enroll;
  enroll.state = kDefaultState;
  const CLI::App* enroll_command = AddEnroll(app, enroll, token_file);
  candor::PushOptions push;
  push.state = kDefaultState;
  AddPush(app, push);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "candor-uplink: %s\n", candor::UsageMistake(app, error).c_str());
    return kWrongUsage;
  }
  candor::InitLog(candor::ParseLogLevel(log_level));
  return enroll_command->parsed() ? RunEnroll(std::move(enroll), token_file) : RunPush(push);
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::signal(SIGPIPE, SIG_IGN);
  return candor::FinishOutput("candor-uplink", Main(argc, argv));
}
