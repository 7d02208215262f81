// candor-collector: arguments only; what the commands do is in collector/server.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "collector/server/commands.h"
#include "collector/server/grpc_listener.h"
#include "collector/server/local_http.h"
#include "common/log.h"
#include "common/privileges.h"
#include "common/standard_output.h"
#include "common/status.h"
#include "common/tls/authority.h"
#include "common/usage.h"
#include "common/version.h"

namespace candor {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
constexpr char kDefaultConfig[] = "/etc/candor/collector.toml";

struct Flags {
  std::string config, data, listen, enroll, http;
  std::vector<std::string> hosts;
  bool quick = false;
};

// File first, then flags.
absl::StatusOr<CollectorSettings> SettingsOf(const Flags& flags) {
  CollectorSettings settings;
  absl::StatusOr<CollectorSettings> loaded =
      LoadCollectorSettings(flags.config.empty() ? kDefaultConfig : flags.config);
  if (loaded.ok()) {
    settings = *std::move(loaded);
  } else if (!flags.config.empty() || !absl::IsNotFound(loaded.status())) {
    return loaded.status();
  }
  if (!flags.data.empty()) settings.data = flags.data;
  if (!flags.listen.empty()) settings.listen_fleet = flags.listen;
  if (!flags.enroll.empty()) settings.listen_enroll = flags.enroll;
  if (!flags.http.empty()) settings.listen_http = flags.http;
  return settings;
}

// What is wrong in the arguments themselves.
absl::Status CheckFlags(const Flags& flags) {
  if (!flags.listen.empty()) {
    CANDOR_RETURN_IF_ERROR(Prefix(CheckListenAddress(flags.listen), "--listen"));
  }
  if (!flags.enroll.empty()) {
    CANDOR_RETURN_IF_ERROR(Prefix(CheckListenAddress(flags.enroll), "--enroll"));
  }
  if (!flags.http.empty()) {
    CANDOR_RETURN_IF_ERROR(Prefix(CheckLoopbackAddress(flags.http), "--http"));
  }
  for (const std::string& host : flags.hosts) {
    CANDOR_RETURN_IF_ERROR(Prefix(CheckHostName(host), "--host"));
  }
  return absl::OkStatus();
}

absl::Status Serve(const Flags& flags) {
  const absl::StatusOr<CollectorSettings> settings = SettingsOf(flags);
  if (!settings.ok()) return settings.status();
  InitLog(ParseLogLevel(settings->log_level));
  return RunCollector(*settings, [&flags] { return SettingsOf(flags); });
}

// A line that is written over, on a terminal only.
ProgressFn TerminalProgress() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](std::string_view doing, uint64_t done, uint64_t total) {
    const unsigned percent = total == 0 ? 0 : static_cast<unsigned>(done * 100 / total);
    std::fprintf(stderr, "\r\033[K%.*s %u %%", static_cast<int>(doing.size()), doing.data(),
                 percent);
    if (done >= total) std::fprintf(stderr, "\r\033[K");
    std::fflush(stderr);
  };
}

int Finish(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "candor-collector: %s\n", std::string(status.message()).c_str());
  return kFailure;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Candor's collector: takes in what laptops measured, keeps it, scores it.",
               "candor-collector");
  app.set_version_flag("--version", std::string(kVersion));
  app.add_option("--config", flags.config,
                 "settings, a TOML file (default /etc/candor/collector.toml, if there)")
      ->type_name("FILE");
  app.add_option("--data", flags.data, "data folder (default /var/lib/candor-collector)")
      ->type_name("DIR");
  app.add_option("--listen", flags.listen, "fleet listener (default 0.0.0.0:7443)")
      ->type_name("A:P");
  app.add_option("--enroll", flags.enroll, "enrolment listener (default 0.0.0.0:7444)")
      ->type_name("A:P");
  app.add_option("--http", flags.http, "local listener, loopback only (default 127.0.0.1:7480)")
      ->type_name("A:P");
  app.require_subcommand(0, 1);

  const auto add_command = [&](const char* name, const char* what) {
    CLI::App* command = app.add_subcommand(name, what);
    command->add_option("--data", flags.data, "data folder")->type_name("DIR")->required();
    return command;
  };
  CLI::App* init = add_command("init", "make data folder, fleet authority, first administrator");
  init->add_option("--host", flags.hosts, "name or address by which laptops reach the collector")
      ->type_name("NAME");
  CLI::App* rebuild = add_command("rebuild", "derive the folds of all open days again");
  CLI::App* check = add_command("check", "verify log, folds and audit chain");
  check->add_flag("--quick", flags.quick, "leave out deriving the folds again");
  CLI::App* dump = add_command("dump", "print all folds as canonical text");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "candor-collector: %s\n", UsageMistake(app, error).c_str());
    return kWrongUsage;
  }
  if (const absl::Status wrong = CheckFlags(flags); !wrong.ok()) {
    Finish(wrong);
    return kWrongUsage;
  }
  const bool offline = app.get_subcommands().size() == 1;
  if (const absl::Status status = offline ? BecomeOwnerOf(flags.data) : absl::OkStatus();
      !status.ok()) {
    return Finish(status);
  }
  if (init->parsed()) return Finish(RunInit(flags.data, flags.hosts, std::cout));
  if (rebuild->parsed()) return Finish(RunRebuild(flags.data, std::cout, TerminalProgress()));
  if (check->parsed()) {
    return Finish(RunCheck(flags.data, flags.quick, std::cout, TerminalProgress()));
  }
  if (dump->parsed()) return Finish(RunDump(flags.data, std::cout, TerminalProgress()));
  return Finish(Serve(flags));
}

}  // namespace
}  // namespace candor

int main(int argc, char** argv) {
  umask(0077);  // what a fleet measured is nobody else's
  candor::PrepareGrpc();
  return candor::FinishOutput("candor-collector", candor::Main(argc, argv));
}
