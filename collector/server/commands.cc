#include "collector/server/commands.h"

#include <signal.h>
#include <systemd/sd-daemon.h>

#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "collector/fold/dump.h"
#include "collector/fold/rebuild.h"
#include "collector/identity/fleet.h"
#include "collector/server/collector.h"
#include "collector/server/offline.h"
#include "collector/server/open_files.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/random.h"
#include "common/status.h"
#include "common/version.h"

namespace candor {
namespace {

// Signals are taken by the main thread alone, one after the other.
sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

void Reread(Collector& collector,
            const std::function<absl::StatusOr<CollectorSettings>()>& reread) {
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
             static_cast<long long>(SystemClock().MonotonicMs()) * 1'000);
  const absl::StatusOr<CollectorSettings> settings = reread();
  if (settings.ok()) {
    collector.Reload(*settings);
    LogInfo("settings read again");
  } else {
    LogError("settings left as they were", {{"error", std::string(settings.status().message())}});
  }
  sd_notify(0, "READY=1");
}

FoldObserver Watch(const ProgressFn& progress, std::string_view doing) {
  if (!progress) return {};
  return [&progress, doing](const FoldProgress& done, int64_t head) {
    progress(doing, static_cast<uint64_t>(done.watermark), static_cast<uint64_t>(head));
  };
}

}  // namespace

absl::Status RunInit(const std::string& data, const std::vector<std::string>& hosts,
                     std::ostream& out) {
  SystemRandom random;
  const InitOptions options{data, hosts};
  CANDOR_ASSIGN_OR_RETURN(const InitResult result, InitFleet(options, SystemClock(), random));
  out << DescribeInit(options, result);
  return absl::OkStatus();
}

absl::Status RunCollector(const CollectorSettings& settings,
                          const std::function<absl::StatusOr<CollectorSettings>()>& reread) {
  const sigset_t signals = OurSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  AllowOpenFiles(settings.streams_max);
  SystemClock clock;
  SystemRandom random;
  CANDOR_ASSIGN_OR_RETURN(std::unique_ptr<Collector> collector,
                          Collector::Start(settings, clock, random));
  LogInfo("candor-collector ready", {{"fleet", collector->fleet_address()},
                                     {"enroll", collector->enroll_address()},
                                     {"http", collector->http_address()},
                                     {"data", settings.data},
                                     {"version", kVersion}});
  sd_notify(0, "READY=1");
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) break;
    Reread(*collector, reread);
  }
  sd_notify(0, "STOPPING=1");
  collector.reset();
  LogInfo("candor-collector stopped");
  return absl::OkStatus();
}

absl::Status RunRebuild(const std::string& data, std::ostream& out, const ProgressFn& progress) {
  CANDOR_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenOffline(data));
  CANDOR_ASSIGN_OR_RETURN(const ModelSet models, LoadModels(data));
  CANDOR_ASSIGN_OR_RETURN(const FoldProgress done,
                          Rebuild(*store, models, Watch(progress, "rebuilding")));
  out << "rebuilt " << done.days_scored << " device-days from " << done.batches << " batches\n";
  if (done.skipped == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(done.skipped,
                   " batches or events in the log cannot be read and are missing in the folds; the "
                   "log above names them"));
}

absl::Status RunDump(const std::string& data, std::ostream& out, const ProgressFn& progress) {
  CANDOR_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenOffline(data));
  CANDOR_ASSIGN_OR_RETURN(const ModelSet models, LoadModels(data));
  CANDOR_RETURN_IF_ERROR(FoldAll(*store, models, Watch(progress, "folding")).status());
  return Dump(store->write_connection(), out);
}

}  // namespace candor
