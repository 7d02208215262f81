// candor-agent: wiring only.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "agent/daemon/commands.h"
#include "agent/daemon/daemon.h"
#include "agent/daemon/settings.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/random.h"
#include "common/standard_output.h"
#include "common/status.h"
#include "common/usage.h"
#include "common/version.h"

namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "candor-agent: %s\n", std::string(candor::MessageOf(status)).c_str());
  return kFailure;
}

int ExitCode(const absl::Status& status) { return status.ok() ? 0 : Fail(status); }

// Flags win over the file.
struct Flags {
  std::string config;
  std::string state;
  std::string log_level;
  std::string format = "table";

  absl::StatusOr<candor::AgentSettings> Settings() const {
    CANDOR_ASSIGN_OR_RETURN(candor::AgentSettings settings, candor::LoadSettings(config));
    if (!state.empty()) settings.state = state;
    if (!log_level.empty()) settings.log_level = log_level;
    return settings;
  }
  candor::OutputFormat Format() const {
    return format == "json" ? candor::OutputFormat::kJson : candor::OutputFormat::kTable;
  }
};

// The daemon lives for months in a few megabytes: one arena, and freed memory goes back.
void KeepMemorySmall() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 64 << 10);
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
}

int RunDaemon(const Flags& flags, candor::AgentSettings settings) {
  KeepMemorySmall();
  const auto own_path = candor::OwnPath();
  if (!own_path.ok()) return Fail(own_path.status());
  const candor::SystemClock clock;
  candor::SystemRandom random;
  candor::DaemonOptions options;
  options.settings = std::move(settings);
  options.reload = [&flags] { return flags.Settings(); };
  options.own_path = *own_path;
  return ExitCode(candor::RunDaemon(options, clock, random));
}

int Enroll(const candor::AgentSettings& settings, const candor::EnrollArguments& arguments) {
  const auto own_path = candor::OwnPath();
  if (!own_path.ok()) return Fail(own_path.status());
  const auto exit_code = candor::RunEnroll(settings, arguments, *own_path);
  return exit_code.ok() ? *exit_code : Fail(exit_code.status());
}

void AddFormat(CLI::App* command, Flags& flags) {
  command->add_option("--format", flags.format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

CLI::App* AddEnroll(CLI::App& app, candor::EnrollArguments& arguments) {
  CLI::App* command = app.add_subcommand("enroll", "Give this laptop its identity in a fleet");
  command->add_option("--collector", arguments.collector, "Enrolment listener of the collector")
      ->required()
      ->type_name("HOST:PORT");
  command->add_option("--token-file", arguments.token_file, "File that holds the token")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--ca-fingerprint", arguments.ca_fingerprint,
                   "SHA-256 of the fleet's authority, as candor-collector init printed it")
      ->required()
      ->type_name("SHA256");
  command->add_option("--label", arguments.labels, "Label of this laptop, may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--again", arguments.again, "Enrol as a new device though enrolled already");
  return command;
}

int Main(int argc, char** argv) {
  CLI::App app{
      "Measures what working on this laptop feels like. Without a command: runs as daemon.",
      "candor-agent"};
  app.set_version_flag("--version", std::string(candor::kVersion));
  app.require_subcommand(0, 1);
  app.fallthrough();
  Flags flags;
  app.add_option("--config", flags.config, "Settings, default /etc/candor/agent.toml")
      ->type_name("FILE");
  app.add_option("--state", flags.state, "State folder, default /var/lib/candor-agent")
      ->type_name("DIR");
  app.add_option("--log-level", flags.log_level, "debug, info, warning, error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));

  app.add_subcommand("run", "Run as daemon (the default)");
  CLI::App* status = app.add_subcommand("status", "What the running agent is doing");
  AddFormat(status, flags);
  CLI::App* sample = app.add_subcommand("sample", "Measure now and print; sends nothing");
  AddFormat(sample, flags);
  CLI::App* ledger = app.add_subcommand("ledger", "Everything that was sent from this laptop");
  AddFormat(ledger, flags);
  candor::LedgerOptions ledger_options;
  ledger->add_option("--limit", ledger_options.limit, "So many batches, newest first; 0: all");
  ledger->add_option("--batch", ledger_options.seq, "Every value of this batch")->type_name("SEQ");
  candor::EnrollArguments enroll_arguments;
  CLI::App* enroll = AddEnroll(app, enroll_arguments);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "candor-agent: %s\n", candor::UsageMistake(app, error).c_str());
    return kWrongUsage;
  }
  auto settings = flags.Settings();
  if (!settings.ok()) return Fail(settings.status());
  candor::InitLog(candor::ParseLogLevel(settings->log_level));
  const candor::SystemClock clock;
  if (status->parsed()) return ExitCode(RunStatus(*settings, flags.Format(), clock));
  if (ledger->parsed()) {
    return ExitCode(RunLedger(*settings, ledger_options, flags.Format(), clock));
  }
  if (sample->parsed()) return ExitCode(RunSample(*settings, {}, flags.Format(), clock));
  if (enroll->parsed()) return Enroll(*settings, enroll_arguments);
  return RunDaemon(flags, std::move(*settings));
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return candor::FinishOutput("candor-agent", Main(argc, argv));
}
