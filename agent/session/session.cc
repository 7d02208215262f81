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
#include <ctime>
#include <memory>
#include <optional>

#include "agent/samplers/support/bus_loop.h"
#include "agent/samplers/support/text.h"
#include "agent/session/accessibility.h"
#include "agent/session/agent_link.h"
#include "agent/session/desktop_facts.h"
#include "agent/session/input_watch.h"
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
// XWayland is looked for so often, while there is input.
constexpr int64_t kLookForXMs = 10'000;
constexpr int64_t kUsPerMs = 1'000;
constexpr char kProc[] = "/proc";
constexpr char kUnixSockets[] = "/proc/net/unix";
constexpr size_t kUnixSocketsBytesMax = 4 << 20;

int64_t NowUs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kUsPerSecond + now.tv_nsec / 1'000;
}
int64_t MonotonicUs() { return NowUs(CLOCK_MONOTONIC); }

class Session final : public X11Listener, public AccessibleListener {
 public:
  explicit Session(const SessionOptions& options)
      : options_(options),
        wayland_(IsWayland(options.desktop)),
        timer_(io_),
        signals_(io_, SIGTERM, SIGINT),
        display_events_(io_),
        sign_in_(io_,
                 {.runtime_folder = options.desktop.runtime_folder,
                  .state_folder = options.state_folder},
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
    CANDOR_RETURN_IF_ERROR(wayland_ ? OpenWayland() : OpenDisplay());
    signals_.async_wait([this](error_code error, int) {
      if (error) return;
      Report(MonotonicUs());
      End(absl::OkStatus());
    });
    TellMeans();
    link_ = AgentLink::Start(io_, options_.agent_socket, [this](bool there) { OnAgent(there); });
    LogInfo("candor-session ready", {{"agent", options_.agent_socket},
                                     {"display", wayland_ ? "wayland" : "x11"},
                                     {"desktop", options_.desktop.desktop}});
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

  // AccessibleListener --------------------------------------------------------------------------

  void OnAccessibility(bool on) override {
    TellMeans();
    if (on && link_->connected()) Tick();
  }
  void OnAccessibleFront(std::optional<AccessibleApplication> application) override {
    accessible_front_.reset();
    if (application) {
      accessible_front_ = ForegroundWindow{application->id, true, {}};
      if (const auto process = ReadProcess(kProc, application->pid)) {
        accessible_front_->program = process->program;
      }
    }
    LookAtForeground();
  }
  void OnAccessibleAnswer(uint32_t id, uint32_t token) override {
    watch_->Answered(id, token, MonotonicUs());
  }
  void OnAccessibleGone(uint32_t id) override {
    if (accessible_front_ && accessible_front_->id == id) accessible_front_.reset();
    watch_->Gone(id, MonotonicUs());
  }

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
    last_us_ = agent_since_us_ = MonotonicUs();
    windows_changed_ = true;
    LookAtForeground();
    report_.TellAgain();
    sign_in_.Begin(login_, started_us_);
    Tick();
  }

  // X -------------------------------------------------------------------------------------------

  absl::Status OpenDisplay() {
    CANDOR_ASSIGN_OR_RETURN(display_, X11Display::Open());
    display_events_.assign(display_->descriptor());
    foreground_changed_ = windows_changed_ = true;
    AwaitDisplay();
    return absl::OkStatus();
  }

  void AwaitDisplay() {
    display_events_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
      if (error) return;
      LookAtDisplay();
      if (display_ != nullptr) AwaitDisplay();
    });
  }

  // A session of X's ends with its display: that is no failure. XWayland may come back.
  void LoseDisplay() {
    if (!wayland_) return End(absl::OkStatus());
    display_events_.release();
    display_.reset();
    watch_.emplace(report_);
    launches_ = Launches();
    LookAtForeground();
    TellMeans();
  }

  // XWayland, if somebody else has started it.
  void LookForXWayland(int64_t now_us) {
    if (!wayland_ || display_ != nullptr || now_us < look_for_x_us_) return;
    look_for_x_us_ = now_us + kLookForXMs * kUsPerMs;
    const auto number = LocalDisplay(options_.desktop.display);
    if (!number || !HasXClients(ReadFile(kUnixSockets, kUnixSocketsBytesMax).value_or(""), *number))
      return;
    if (OpenDisplay().ok()) TellMeans();
  }

  // Everything that came from the display.
  void LookAtDisplay() {
    if (display_ == nullptr) return;
    if (!display_->Dispatch(*this).ok()) return LoseDisplay();
    if (!link_->connected()) return;
    const bool asked = CanAsk();
    if (std::exchange(foreground_changed_, false)) LookAtForeground();
    if (std::exchange(windows_changed_, false)) LookAtWindows();
    if (std::exchange(input_returned_, false) || asked != CanAsk()) Tick();
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

  // Wayland -------------------------------------------------------------------------------------

  absl::Status OpenWayland() {
    auto compositor =
        InputWatch::OpenWayland(io_, WaylandSocket(options_.desktop),
                                {.able = [this](bool able) { OnCompositorTellsInput(able); },
                                 .idle = [this](bool idle) { OnIdle(idle); },
                                 .end = [this] { End(absl::OkStatus()); }});
    if (!compositor.ok()) {
      return absl::UnavailableError(
          Concat("there is no Wayland display: ", MessageOf(compositor.status())));
    }
    compositor_ = *std::move(compositor);
    auto bus = BusLoop::OpenSession(io_, [this] { LoseBus(); });
    if (!bus.ok()) return absl::OkStatus();
    bus_ = *std::move(bus);
    accessibility_ = Accessibility::Start(io_, *bus_, *this);
    return absl::OkStatus();
  }

  void OnCompositorTellsInput(bool able) {
    if (able || bus_ == nullptr) return OnTellsInput(able);
    mutter_ = InputWatch::OpenMutter(*bus_, {.able = [this](bool tells) { OnTellsInput(tells); },
                                             .idle = [this](bool idle) { OnIdle(idle); },
                                             .end = nullptr});
  }

  void OnTellsInput(bool tells) {
    tells_input_ = tells;
    TellMeans();
    if (tells && link_->connected()) Tick();
  }

  void OnIdle(bool idle) {
    idle_since_us_.reset();
    if (idle) idle_since_us_ = MonotonicUs() - InputWatch::kIdleMs * kUsPerMs;
    if (!idle && link_->connected()) Tick();
  }

  void LoseBus() {
    accessibility_.reset();
    accessible_front_.reset();
    if (mutter_ != nullptr) tells_input_ = false;
    mutter_.reset();
    bus_.reset();
    LookAtForeground();
    TellMeans();
  }

  // Of what can be measured now, at once where that has changed.
  void TellMeans() {
    const SessionMeans means{.wayland = wayland_,
                             .x_display = display_ != nullptr,
                             .tells_input = tells_input_,
                             .session_bus = bus_ != nullptr,
                             .accessibility = accessibility_ != nullptr && accessibility_->on()};
    for (auto& [what, reason] : UnmeasuredWindows(means)) report_.SetUnmeasured(what, reason);
    if (link_ != nullptr && link_->connected()) Report(MonotonicUs());
  }

  // The rules -----------------------------------------------------------------------------------

  // X's own window in front, else the application that says that it is.
  void LookAtForeground() {
    const auto window = display_ == nullptr ? std::nullopt : display_->ActiveWindow();
    x_in_front_ = window.has_value();
    if (!window) return watch_->SetForeground(accessible_front_, MonotonicUs());
    if (watch_->foreground() && watch_->foreground()->id == *window) return;
    ForegroundWindow foreground{*window, display_->TakesPings(*window), {}};
    if (foreground.takes_pings) {
      display_->Follow(*window);
      const auto pid = display_->ProcessOf(*window);
      if (const auto process = pid ? ReadProcess(kProc, *pid) : std::nullopt) {
        foreground.program = process->program;
      }
    }
    watch_->SetForeground(std::move(foreground), MonotonicUs());
  }

  // How long ago the last input was; nothing where the display is lost. Where nobody tells, there
  // has been none.
  std::optional<int64_t> IdleMs(int64_t now_us) {
    if (tells_input_) return idle_since_us_ ? (now_us - *idle_since_us_) / kUsPerMs : 0;
    if (display_ == nullptr) return kPauseMs + (now_us - agent_since_us_) / kUsPerMs;
    const auto idle_ms = display_->IdleMs();
    return idle_ms.ok() ? std::optional(*idle_ms) : std::nullopt;
  }

  void Tick() {
    if (!link_->connected()) return;
    const int64_t now_us = MonotonicUs();
    LookForXWayland(now_us);
    const auto idle_ms = IdleMs(now_us);
    if (!idle_ms) return LoseDisplay();
    const bool input = *idle_ms < kPauseMs;
    CountTime(now_us, input);
    if (input) {
      Ask(now_us);
    } else if (display_ != nullptr) {
      if (!watch_->waiting()) display_->StopListening();
      if (!tells_input_) display_->AwaitInput();
    }
    if (now_us - last_report_us_ >= kReportUs || !input) Report(now_us);
    away_ = *idle_ms >= kAwayMs;
    // Where nobody tells of input it is X's, and XWayland may have been started meanwhile.
    const bool told_when_back = tells_input_ || display_ != nullptr;
    if (away_ && told_when_back) {
      timer_.cancel();
    } else {
      WakeIn(!input ? kPausedTickMs : CanAsk() ? kTickMs : kLookForXMs);
    }
    // What came while the display was asked.
    asio::post(io_, [this] { LookAtDisplay(); });
  }

  bool AsksAccessible() const {
    return tells_input_ && accessibility_ != nullptr && accessibility_->on();
  }

  // On Wayland there may be nobody to ask: then nothing needs a look each second.
  bool CanAsk() const { return !wayland_ || x_in_front_ || AsksAccessible(); }

  void Ask(int64_t now_us) {
    if (!x_in_front_ && AsksAccessible()) accessibility_->Look(now_us);
    const auto ping = watch_->Tick(now_us);
    if (!ping) return;
    if (ping->window >= Accessibility::kFirstId) {
      accessibility_->Ask(ping->window, ping->token);
    } else {
      display_->Ping(ping->window, ping->token);
    }
  }

  // What passed since the tick before. Where there is nothing to watch, because there is no input
  // or no window, nothing is missed; on Wayland nobody can know that, and only time with a window
  // in front that answers counts.
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
  const bool wayland_;
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

  // Wayland's. What is called back over the bus goes before it.
  std::unique_ptr<InputWatch> compositor_;
  std::unique_ptr<BusLoop> bus_;
  std::unique_ptr<InputWatch> mutter_;
  std::unique_ptr<Accessibility> accessibility_;
  std::optional<ForegroundWindow> accessible_front_;
  bool tells_input_ = false;
  std::optional<int64_t> idle_since_us_;  // while there is no input
  int64_t look_for_x_us_ = 0;

  int64_t agent_since_us_ = 0;
  int64_t last_us_ = 0;
  int64_t last_report_us_ = 0;
  bool x_in_front_ = false;
  bool foreground_changed_ = false;
  bool windows_changed_ = false;
  bool input_returned_ = false;
  bool away_ = false;
};

// One for each display of a person's. Without a folder of the session's own nobody can tell.
absl::StatusOr<std::optional<FileLock>> LockSession(const SessionOptions& options) {
  const DesktopEnvironment& desktop = options.desktop;
  if (desktop.runtime_folder.empty()) return std::nullopt;
  std::string display = IsWayland(desktop) ? WaylandSocket(desktop) : desktop.display;
  std::replace(display.begin(), display.end(), '/', '_');
  absl::StatusOr<FileLock> lock =
      FileLock::Acquire(desktop.runtime_folder + "/candor-session" + display + ".lock");
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
