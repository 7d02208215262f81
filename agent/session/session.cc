#include "agent/session/session.h"

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>

#include "agent/session/agent_link.h"
#include "agent/session/launches.h"
#include "agent/session/login.h"
#include "agent/session/process.h"
#include "agent/session/report.h"
#include "agent/session/sign_in.h"
#include "agent/session/window_watch.h"
#include "agent/session/x11_display.h"
#include "candor/v1/local.pb.h"
#include "common/files.h"
#include "common/log.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int64_t kTickMs = 1'000;
// Longer without input: no more pings.
constexpr int64_t kPauseMs = 2'000;
// Longer without input: nobody is there (usage.h counts minutes as active for as long).
constexpr int64_t kAwayMs = 5 * kMsPerMinute;
constexpr int64_t kReportUs = 10 * kUsPerSecond;
constexpr int64_t kPausedTickMs = 30'000;
constexpr char kProc[] = "/proc";

int64_t NowUs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kUsPerSecond + now.tv_nsec / 1'000;
}
int64_t MonotonicUs() { return NowUs(CLOCK_MONOTONIC); }

class Session final : public X11Listener {
 public:
  explicit Session(const SessionOptions& options)
      : options_(options),
        timer_(io_),
        signals_(io_, SIGTERM, SIGINT),
        display_events_(io_),
        sign_in_(io_,
                 {.runtime_folder = options.runtime_folder, .state_folder = options.state_folder},
                 report_) {
    watch_.emplace(report_);
  }
  // The display owns its descriptor.
  ~Session() override { display_events_.release(); }

  absl::Status Run() {
    login_ = ReadLogin();
    if (login_.ok() && !login_->of_a_person) {
      LogInfo("this is no person's session");
      return absl::OkStatus();
    }
    CANDOR_ASSIGN_OR_RETURN(display_, X11Display::Open());
    display_events_.assign(display_->descriptor());
    if (wayland_) {
      for (const uint32_t what : {metric::kHangSeconds, metric::kLaunch, event::kHang}) {
        report_.SetUnmeasured(what, "on Wayland only windows of X programs can be watched");
      }
    }
    signals_.async_wait([this](error_code error, int) {
      if (error) return;
      Report(MonotonicUs());
      End(absl::OkStatus());
    });
    link_ = AgentLink::Start(io_, options_.agent_socket, [this](bool there) { OnAgent(there); });
    LogInfo("candor-session ready", {{"agent", options_.agent_socket}});
    AwaitDisplay();
    io_.run();
    return ended_;
  }

  // X11Listener ---------------------------------------------------------------------------------

  void OnInput() override { input_returned_ = true; }
  void OnForegroundChanged() override { foreground_changed_ = true; }
  void OnWindowsChanged() override { windows_changed_ = true; }
  void OnAnswer(uint32_t window, uint32_t token) override {
    watch_->Answered(window, token, MonotonicUs());
  }
  void OnGone(uint32_t window) override { watch_->Gone(window, MonotonicUs()); }

 private:
  void End(absl::Status status) {
    ended_ = std::move(status);
    io_.stop();
  }

  // Without a daemon nothing is looked at: it may be that this family is switched off.
  void OnAgent(bool there) {
    if (!there) {
      timer_.cancel();
      return;
    }
    watch_.emplace(report_);
    launches_ = Launches();
    last_us_ = MonotonicUs();
    foreground_changed_ = windows_changed_ = true;
    sign_in_.Begin(login_, started_us_);
    Tick();
  }

  void AwaitDisplay() {
    display_events_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
      if (error) return;
      LookAtDisplay();
      AwaitDisplay();
    });
  }

  // Everything that came from the display. A session ends with its display: that is no failure.
  void LookAtDisplay() {
    if (!display_->Dispatch(*this).ok()) return End(absl::OkStatus());
    if (!link_->connected()) return;
    if (std::exchange(foreground_changed_, false)) LookAtForeground();
    if (std::exchange(windows_changed_, false)) LookAtWindows();
    if (std::exchange(input_returned_, false)) Tick();
  }

  void LookAtForeground() {
    const auto window = display_->ActiveWindow();
    std::optional<ForegroundWindow> foreground;
    if (window) {
      if (watch_->foreground() && watch_->foreground()->id == *window) return;
      foreground = ForegroundWindow{*window, display_->TakesPings(*window), {}};
      if (foreground->takes_pings) {
        display_->Follow(*window);
        const auto pid = display_->ProcessOf(*window);
        if (const auto process = pid ? ReadProcess(kProc, *pid) : std::nullopt) {
          foreground->program = process->program;
        }
      }
    }
    watch_->SetForeground(std::move(foreground), MonotonicUs());
  }

  void LookAtWindows() {
    const auto owner_of = [this](uint32_t window) -> std::optional<Launches::Owner> {
      const auto pid = display_->ProcessOf(window);
      auto process = pid ? ReadProcess(kProc, *pid) : std::nullopt;
      if (!process) return std::nullopt;
      return Launches::Owner{*pid, *std::move(process)};
    };
    for (const Launches::Launch& launch :
         launches_.Update(display_->Windows(), NowUs(CLOCK_BOOTTIME), owner_of)) {
      report_.AddLaunch(launch.program, launch.took_us);
    }
  }

  void Tick() {
    if (!link_->connected()) return;
    const auto idle_ms = display_->IdleMs();
    if (!idle_ms.ok()) return End(absl::OkStatus());
    const int64_t now_us = MonotonicUs();
    const bool input = *idle_ms < kPauseMs;
    CountTime(now_us, input);
    if (input) {
      if (const auto ping = watch_->Tick(now_us)) display_->Ping(ping->window, ping->token);
    } else {
      if (!watch_->waiting()) display_->StopListening();
      display_->AwaitInput();
    }
    if (now_us - last_report_us_ >= kReportUs || !input) Report(now_us);
    away_ = *idle_ms >= kAwayMs;
    if (away_) {
      timer_.cancel();
    } else {
      WakeIn(input ? kTickMs : kPausedTickMs);
    }
    // What came while the display was asked.
    asio::post(io_, [this] { LookAtDisplay(); });
  }

  // What passed since the tick before. Where there is nothing to watch, because there is no input
  // or no window, nothing is missed; on Wayland nobody can know that.
  void CountTime(int64_t now_us, bool input) {
    const int64_t passed_us = now_us - std::exchange(last_us_, now_us);
    if (away_) return watch_->Skip(now_us);
    watch_->Account(now_us);
    const bool idle = !wayland_ && (!input || !watch_->foreground());
    if (idle || watch_->measurable(now_us)) report_.AddWatched(passed_us);
  }

  void Report(int64_t now_us) {
    last_report_us_ = now_us;
    if (!report_.Empty()) link_->Send(report_.Take(now_us));
  }

  void WakeIn(int64_t ms) {
    timer_.expires_after(std::chrono::milliseconds(ms));
    timer_.async_wait([this](error_code error) {
      if (!error) Tick();
    });
  }

  const SessionOptions options_;
  absl::Status ended_;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  asio::signal_set signals_;
  std::unique_ptr<X11Display> display_;
  asio::posix::stream_descriptor display_events_;
  std::unique_ptr<AgentLink> link_;
  ReportBuilder report_;
  std::optional<WindowWatch> watch_;
  Launches launches_;
  const int64_t started_us_ = MonotonicUs();
  absl::StatusOr<Login> login_ = absl::UnavailableError("not asked yet");
  SignIn sign_in_;
  int64_t last_us_ = 0;
  int64_t last_report_us_ = 0;
  bool foreground_changed_ = false;
  bool windows_changed_ = false;
  bool input_returned_ = false;
  bool away_ = false;
  // Windows that are not X's are not seen, nor is the input they get.
  const bool wayland_ = std::getenv("WAYLAND_DISPLAY") != nullptr;
};

// One for each display of a person's. Without a folder of the session's own nobody can tell.
absl::StatusOr<std::optional<FileLock>> LockSession(const SessionOptions& options) {
  if (options.runtime_folder.empty()) return std::nullopt;
  std::string display = options.display;
  std::replace(display.begin(), display.end(), '/', '_');
  absl::StatusOr<FileLock> lock =
      FileLock::Acquire(options.runtime_folder + "/candor-session" + display + ".lock");
  if (lock.ok()) return std::optional<FileLock>(*std::move(lock));
  if (!absl::IsUnavailable(lock.status())) return lock.status();
  return absl::AlreadyExistsError("candor-session already runs here");
}

}  // namespace

absl::Status RunSession(const SessionOptions& options) {
  CANDOR_ASSIGN_OR_RETURN(const std::optional<FileLock> lock, LockSession(options));
  Session session(options);
  return session.Run();
}

}  // namespace candor
