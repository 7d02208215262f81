// candor-loadgen: arguments in, a played fleet and its truth out. The work is in fleet_player.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/files.h"
#include "common/random.h"
#include "common/standard_output.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/tls/token_file.h"
#include "common/usage.h"
#include "common/version.h"
#include "tools/loadgen/fleet_player.h"

namespace candor::loadgen {
namespace {

struct Arguments {
  FleetPlan plan;
  PlayOptions play;
  EnrollmentTarget target;
  std::string token_file;
  std::string truth_file;
  std::string end_day;
  std::string speed = "max";
  std::string retry_for = "60s";
};

void Declare(CLI::App& app, Arguments& args) {
  app.set_version_flag("--version", std::string("candor-loadgen ") + std::string(kVersion));
  app.add_option("--collector", args.target.collector, "Enrolment listener, HOST:PORT")->required();
  app.add_option("--token-file", args.token_file, "File with an enrolment token");
  app.add_option("--ca-fingerprint", args.target.ca_fingerprint,
                 "SHA-256 of the fleet's authority, as `candor-collector init` printed it")
      ->required();
  app.add_option("--devices", args.plan.devices, "Laptops")
      ->required()
      ->check(CLI::Range(1U, 100'000U));
  app.add_option("--days", args.plan.days, "Days")->required()->check(CLI::Range(1U, 400U));
  app.add_option("--seed", args.plan.seed, "Everything about the fleet follows from it")
      ->required();
  app.add_option("--speed", args.speed, "'max', or how much faster than real time")
      ->capture_default_str();
  app.add_option("--truth", args.truth_file, "Write what was really sent, as JSON");
  app.add_option("--end-day", args.end_day, "Last day played, YYYY-MM-DD (default: yesterday)");
  app.add_option("--batch-minutes", args.plan.batch_minutes, "Measured minutes in a batch")
      ->check(CLI::Range(1U, 1'440U))
      ->capture_default_str();
  app.add_option("--parallel", args.play.parallel, "Streams at once")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  app.add_option("--identities", args.target.folder,
                 "Folder that keeps the laptops' identities, to play them again");
  app.add_flag("--enroll-only", args.play.enroll_only, "Enrol the laptops and send nothing");
  app.add_flag("--twice", args.play.manners.twice,
               "Send every batch twice and out of step; the figures must not change");
  app.add_flag("--reconnect", args.play.manners.reconnect,
               "Break each connection every few batches");
  app.add_option("--retry-for", args.retry_for, "How long a collector may be gone")
      ->capture_default_str();
}

absl::Status Complete(Arguments& args, const Clock& clock) {
  if (args.speed != "max") {
    char* end = nullptr;
    args.play.speed = std::strtod(args.speed.c_str(), &end);
    if (end == args.speed.c_str() || *end != '\0' || !(args.play.speed > 0)) {
      return absl::InvalidArgumentError("--speed: 'max' or a number above 0, not '" + args.speed +
                                        "'");
    }
    if (args.play.manners.twice) {
      return absl::InvalidArgumentError("--twice plays at --speed max only");
    }
  }
  args.plan.end_day = LocalDay(clock.WallMs(), 0) - 1;
  if (!args.end_day.empty()) {
    CANDOR_ASSIGN_OR_RETURN(args.plan.end_day, ParseDay(args.end_day));
  }
  CANDOR_ASSIGN_OR_RETURN(args.play.manners.retry_for_ms, ParseDurationMs(args.retry_for));
  args.target.retry_for_ms = args.play.manners.retry_for_ms;
  if (!args.token_file.empty()) {
    CANDOR_ASSIGN_OR_RETURN(args.target.token, ReadTokenFile(args.token_file));
  } else if (args.target.folder.empty()) {
    return absl::InvalidArgumentError("--token-file is needed to enrol laptops");
  }
  return absl::OkStatus();
}

ProgressFn TerminalProgress() {
  if (isatty(STDERR_FILENO) == 0) return [](std::string_view, uint64_t, uint64_t) {};
  return [](std::string_view doing, uint64_t done, uint64_t total) {
    std::fprintf(stderr, "\r\033[K%.*s %llu of %llu%s", static_cast<int>(doing.size()),
                 doing.data(), static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(total), done == total ? "\r\033[K" : "");
  };
}

void PrintSummary(const Arguments& args, const Traffic& traffic, int64_t took_ms) {
  std::printf(
      "%u laptops, %u days to %s: %llu batches, %s, %llu sent again, %llu streams "
      "(%llu broken, %llu throttled) in %s\n",
      args.plan.devices, args.plan.days, FormatDay(args.plan.end_day).c_str(),
      static_cast<unsigned long long>(traffic.batches.load()),
      FormatBytes(traffic.bytes.load()).c_str(),
      static_cast<unsigned long long>(traffic.sent_again.load()),
      static_cast<unsigned long long>(traffic.streams.load()),
      static_cast<unsigned long long>(traffic.broken.load()),
      static_cast<unsigned long long>(traffic.throttled.load()), FormatDuration(took_ms).c_str());
}

absl::Status Play(const Arguments& args, const Clock& clock) {
  SystemRandom random;
  Truth truth(args.plan);
  const bool wanted = !args.truth_file.empty();
  FleetPlayer player(args.plan, args.play, clock, random, wanted ? &truth : nullptr,
                     TerminalProgress());
  const int64_t start_ms = clock.MonotonicMs();
  CANDOR_RETURN_IF_ERROR(player.Run(args.target));
  if (wanted) {
    CANDOR_RETURN_IF_ERROR(WriteFileAtomically(args.truth_file, truth.Json(), 0644));
  }
  PrintSummary(args, player.traffic(), clock.MonotonicMs() - start_ms);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("Plays a simulated fleet of laptops to a collector.", "candor-loadgen");
  Arguments args;
  Declare(app, args);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "candor-loadgen: %s\n", UsageMistake(app, error).c_str());
    return 2;
  }
  const SystemClock clock;
  absl::Status status = Complete(args, clock);
  const int failure = absl::IsInvalidArgument(status) ? 2 : 1;
  if (status.ok()) status = Play(args, clock);
  if (status.ok()) return 0;
  std::fprintf(stderr, "candor-loadgen: %s\n", std::string(status.message()).c_str());
  return failure;
}

}  // namespace
}  // namespace candor::loadgen

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return candor::FinishOutput("candor-loadgen", candor::loadgen::Main(argc, argv));
}
