#include "agent/daemon/daemon.h"

#include <sys/stat.h>
#include <systemd/sd-daemon.h>

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>

#include "absl/strings/str_join.h"
#include "agent/daemon/control_replies.h"
#include "agent/daemon/control_server.h"
#include "agent/daemon/memory.h"
#include "agent/daemon/power.h"
#include "agent/daemon/pusher.h"
#include "agent/daemon/remote_configuration.h"
#include "agent/daemon/samplers.h"
#include "agent/spool/spool.h"
#include "agent/windows/boot_id.h"
#include "agent/windows/window_set.h"
#include "candor/v1/ingest.pb.h"
#include "candor/v1/local.pb.h"
#include "common/files.h"
#include "common/log.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr int64_t kBehindLineMs = 5;
constexpr int64_t kSamplerGraceMs = 1'000;
constexpr int64_t kStopGraceMs = 2'000;
// Anybody may pass through to the control socket; what lies beside it is its owner's alone.
constexpr int kStateFolderMode = 0711;
constexpr mode_t kUmask = 0066;

// A disk image's copy is told by this; where there is none, copies cannot be told apart.
std::string ReadMachineId(const LinuxRoots& roots) {
  const auto id = ReadFile(roots.etc + "/machine-id", 256);
  if (!id.ok()) return {};
  return id->substr(0, id->find('\n'));
}

SpoolOptions MakeSpoolOptions(const AgentSettings& settings, const LinuxRoots& roots,
                              const std::string& boot_id) {
  SpoolOptions options;
  options.path = settings.spool_path();
  options.bytes_max = static_cast<uint64_t>(settings.spool_mib) << 20;
  options.age_max_ms = settings.spool_days * kMsPerDay;
  options.ledger_bytes_max = static_cast<uint64_t>(settings.ledger_mib) << 20;
  options.ledger_age_max_ms = settings.ledger_days * kMsPerDay;
  options.machine_id = ReadMachineId(roots);
  options.boot_id = boot_id;
  return options;
}

class Daemon {
 public:
  Daemon(const DaemonOptions& options, const Clock& clock, Random& random)
      : options_(options),
        clock_(clock),
        random_(random),
        settings_(options.settings),
        started_wall_ms_(clock.WallMs()),
        timer_(io_),
        grace_(io_),
        signals_(io_, SIGTERM, SIGINT, SIGHUP) {}

  absl::Status Start() {
    CANDOR_RETURN_IF_ERROR(MakeFolder(settings_.state, kStateFolderMode));
    // Enrolling makes it for its owner alone. Where it is somebody else's to change, it stays.
    if (::chmod(settings_.state.c_str(), kStateFolderMode) != 0) {
      LogWarning("others cannot reach the control socket",
                 {{"reason", MessageOf(ErrnoStatus(errno, settings_.state))}});
    }
    CANDOR_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(settings_.state + "/lock"));
    lock_ = std::make_unique<FileLock>(std::move(lock));
    CANDOR_ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId(options_.roots.proc));
    CANDOR_ASSIGN_OR_RETURN(
        spool_, Spool::Open(MakeSpoolOptions(settings_, options_.roots, boot_id), clock_, random_));
    configuration_ = std::make_unique<RemoteConfiguration>(settings_);
    windows_ = std::make_unique<WindowSet>(clock_, boot_id);
    MakeSamplers();
    MakePusher();
    CANDOR_ASSIGN_OR_RETURN(
        control_, ControlServer::Listen(io_, settings_.control_socket(),
                                        [this](const v1::ControlRequest& r) { return Answer(r); }));
    return absl::OkStatus();
  }

  void Run() {
    AwaitSignal();
    asio::co_spawn(io_, TickForEver(), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    LogInfo("candor-agent ready", {{"state", settings_.state},
                                   {"control", settings_.control_socket()},
                                   {"uplink", UplinkText()}});
    sd_notify(0, "READY=1");
    while (io_.run_one() > 0) {
      io_.poll();
      Rest();
    }
  }

 private:
  void MakeSamplers() {
    SamplerContext context{io_,
                           clock_,
                           *windows_,
                           options_.roots,
                           [this](std::string_view name) { return spool_->Cursor(name); },
                           settings_.session_socket(),
                           settings_.state};
    samplers_ = std::make_unique<SamplerRunner>(AllSamplers(settings_.dns_servers),
                                                std::move(context), [this] { SamplerDone(); });
    samplers_->Configure(configuration_->effective().families_off,
                         configuration_->effective().services,
                         configuration_->effective().gateways);
  }

  void MakePusher() {
    UplinkPlace place{settings_.uplink_socket, settings_.uplink_program, settings_.uplink_folder()};
    if (place.program.empty()) {
      const auto found = FindUplinkProgram(options_.own_path);
      if (found.ok()) place.program = *found;
    } else {
      // A program that was named is meant.
      place.socket.clear();
    }
    place_ = place;
    pusher_ = std::make_unique<Pusher>(PusherContext{
        io_, clock_, random_, *spool_, *windows_, place,
        [this]() -> const EffectiveConfiguration& { return configuration_->effective(); },
        [this](const v1::Configuration& configuration) { Apply(configuration); }});
  }

  std::string UplinkText() const {
    if (place_.program.empty()) return place_.socket;
    return place_.socket.empty() ? place_.program : place_.socket + " or " + place_.program;
  }

  // Ticks ---------------------------------------------------------------------------------------

  asio::awaitable<void> TickForEver() {
    while (!stopping_) {
      const bool boundary = windows_->MinuteOver();
      worked_ = true;
      StartSamplers();
      if (boundary) co_await SamplersSettle();
      Collect();
      if (boundary) on_battery_ = OnBattery(options_.roots.sys);
      const int64_t wait_ms = MsToGridLine(clock_.WallMs(), TickSeconds());
      pusher_->Consider(InUse(), on_battery_, wait_ms);
      co_await SleepUntilLine(clock_.WallMs() + wait_ms, wait_ms);
    }
  }

  // Where nobody looks for people, minutes count by uptime, and the pace is the idle one.
  bool InUse() const { return windows_->in_use() && !samplers_->off("usage"); }

  int64_t TickSeconds() const {
    const EffectiveConfiguration& configuration = configuration_->effective();
    if (!InUse()) return configuration.tick_idle_s;
    // On battery the laptop's own work goes first.
    const int64_t active_s = configuration.tick_active_s;
    return on_battery_ ? std::min<int64_t>(2 * active_s, configuration.tick_idle_s) : active_s;
  }

  void StartSamplers() {
    Tick tick;
    tick.wall_ms = clock_.WallMs();
    tick.boottime_ms = clock_.BoottimeMs();
    tick.in_use = InUse();
    tick.minute_start = tick.wall_ms / kMsPerMinute != last_tick_minute_;
    last_tick_minute_ = tick.wall_ms / kMsPerMinute;
    samplers_->Start(tick);
  }

  // Before it sleeps. A message of a helper alone needs little; a tick, a push or an answer has
  // mapped much, and while one is under way it is needed again.
  void Rest() {
    if (samplers_->busy() || pusher_->running()) {
      worked_ = true;
    } else if (std::exchange(worked_, false)) {
      GiveBackMemory();
    }
  }

  // Until no sampler is busy any more, at most for the grace.
  asio::awaitable<void> SamplersSettle() {
    if (!samplers_->busy()) co_return;
    grace_.expires_after(milliseconds(kSamplerGraceMs));
    boost::system::error_code ignored;
    co_await grace_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  void SamplerDone() {
    if (!samplers_->busy()) grace_.cancel();
    if (windows_->urgent()) Collect();
  }

  // What must not wait goes to the spool.
  void Collect() {
    const bool urgent = windows_->urgent();
    if (windows_->MinuteOver()) {
      Keep(windows_->Close());
    } else if (urgent) {
      Keep(windows_->TakeEvents());
    }
    if (urgent) pusher_->OnUrgent();
  }

  void Keep(const Harvest& harvest) {
    const absl::Status status = spool_->Add(harvest);
    if (status.ok() == spool_works_) return;
    spool_works_ = status.ok();
    if (status.ok()) {
      LogInfo("the spool takes measurements again");
    } else {
      LogError("the spool takes nothing; measuring goes on in memory",
               {{"reason", MessageOf(status)}});
    }
  }

  asio::awaitable<void> SleepUntilLine(int64_t line_ms, int64_t wait_ms) {
    while (wait_ms > 0 && !stopping_) {
      timer_.expires_after(milliseconds(wait_ms));
      boost::system::error_code error;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;  // somebody wants a tick now
      // A clock that is slewed may make the timer a touch early; a clock that was set does not.
      const int64_t rest_ms = line_ms - clock_.WallMs();
      wait_ms = rest_ms > 0 && rest_ms < 1'000 ? rest_ms : 0;
    }
  }

  // Configuration, questions, signals -----------------------------------------------------------

  void Apply(const v1::Configuration& configuration) {
    const EffectiveConfiguration before = configuration_->effective();
    if (absl::Status status = configuration_->Apply(configuration); !status.ok()) {
      LogWarning("configuration", {{"reason", MessageOf(status)}});
    }
    if (configuration_->effective() == before) return;
    LogInfo("configuration applied",
            {{"services", uint64_t{configuration_->effective().services.size()}},
             {"watched", configuration_->effective().watched ? "yes" : "no"}});
    Reconfigure();
  }

  void Reconfigure() {
    samplers_->Configure(configuration_->effective().families_off,
                         configuration_->effective().services,
                         configuration_->effective().gateways);
  }

  ControlReplies Answer(const v1::ControlRequest& request) {
    worked_ = true;
    if (request.has_push()) pusher_->OnAsked();
    return AnswerControl(request, ControlSources{*spool_, *windows_, *pusher_, settings_, clock_,
                                                 options_.roots, started_wall_ms_});
  }

  void AwaitSignal() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        Reload();
        AwaitSignal();
      } else {
        Stop();
      }
    });
  }

  void Reload() {
    auto settings = options_.reload();
    if (!settings.ok()) {
      LogError("settings not read again", {{"reason", MessageOf(settings.status())}});
      return;
    }
    if (const auto keys = KeysThatNeedRestart(settings_, *settings); !keys.empty()) {
      LogWarning("some settings need a restart", {{"keys", absl::StrJoin(keys, ", ")}});
    }
    settings_.log_level = settings->log_level;
    settings_.families_off = settings->families_off;
    settings_.push_active_s = settings->push_active_s;
    settings_.push_idle_s = settings->push_idle_s;
    settings_.tick_active_s = settings->tick_active_s;
    settings_.tick_idle_s = settings->tick_idle_s;
    settings_.services = settings->services;
    SetLogLevel(ParseLogLevel(settings_.log_level));
    configuration_->SetLocal(settings_);
    Reconfigure();
    timer_.cancel();
    LogInfo("settings read again");
  }

  void Stop() {
    stopping_ = true;
    sd_notify(0, "STOPPING=1");
    LogInfo("candor-agent stopping");
    pusher_->Stop();
    Keep(windows_->Close());
    timer_.cancel();
    grace_.cancel();
    asio::co_spawn(io_, EndSoon(), [this](std::exception_ptr) { io_.stop(); });
  }

  asio::awaitable<void> EndSoon() {
    const int64_t until_ms = clock_.MonotonicMs() + kStopGraceMs;
    asio::steady_timer pause(io_);
    while ((pusher_->running() || samplers_->busy()) && clock_.MonotonicMs() < until_ms) {
      pause.expires_after(milliseconds(20));
      boost::system::error_code ignored;
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  const DaemonOptions& options_;
  const Clock& clock_;
  Random& random_;
  AgentSettings settings_;
  const int64_t started_wall_ms_;
  UplinkPlace place_;

  // Coroutines refer to what follows: the context is stopped before any of it goes.
  asio::io_context io_{1};
  asio::steady_timer timer_;
  asio::steady_timer grace_;
  asio::signal_set signals_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<RemoteConfiguration> configuration_;
  std::unique_ptr<WindowSet> windows_;
  std::unique_ptr<SamplerRunner> samplers_;
  std::unique_ptr<Pusher> pusher_;
  std::unique_ptr<ControlServer> control_;

  int64_t last_tick_minute_ = -1;
  bool on_battery_ = false;
  bool spool_works_ = true;
  bool stopping_ = false;
  bool worked_ = true;  // since memory was given back
};

}  // namespace

int64_t MsToGridLine(int64_t wall_ms, int64_t period_s) {
  const int64_t period_ms = period_s * 1'000;
  const int64_t past_ms = ((wall_ms % period_ms) + period_ms) % period_ms;
  return period_ms - past_ms + kBehindLineMs;
}

absl::Status RunDaemon(const DaemonOptions& options, const Clock& clock, Random& random) {
  ::umask(kUmask);
  Daemon daemon(options, clock, random);
  CANDOR_RETURN_IF_ERROR(daemon.Start());
  daemon.Run();
  return absl::OkStatus();
}

}  // namespace candor
