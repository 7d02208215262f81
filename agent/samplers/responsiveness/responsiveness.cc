#include "agent/samplers/responsiveness/responsiveness.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "agent/samplers/responsiveness/app_scopes.h"
#include "agent/samplers/responsiveness/pressure.h"
#include "agent/samplers/responsiveness/session_feed.h"
#include "agent/samplers/responsiveness/session_socket.h"
#include "agent/samplers/support/linux_owner.h"
#include "common/log.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

namespace asio = boost::asio;

// In the order of kPressureKinds.
constexpr std::array<uint32_t, 3> kMachine = {metric::kCpuStall, metric::kMemoryStall,
                                              metric::kIoStall};
constexpr std::array<uint32_t, 3> kApplication = {metric::kAppCpuStall, metric::kAppMemoryStall,
                                                  metric::kAppIoStall};
// A longer gap between ticks was not watched (the agent stood still).
constexpr int64_t kGapMsMax = 150'000;

class ResponsivenessSampler final : public Sampler {
 public:
  explicit ResponsivenessSampler(const SamplerContext& context)
      : context_(context), owners_(context_.roots), feed_(context_.recorder, context_.clock) {
    ListenToSessions();
    feed_.EndTick({});
    auto files = OpenPressureFiles(context_.roots.proc);
    if (files.ok()) {
      files_ = *std::move(files);
    } else {
      MachineUnmeasured(MessageOf(files.status()));
    }
  }

  std::string_view family() const override { return "responsiveness"; }

  asio::awaitable<void> Sample(Tick tick) override {
    const int64_t now_ms = context_.clock.MonotonicMs();
    SampleMachine(now_ms);
    co_await SampleSessions();
    if (tick.minute_start) co_await SampleApplications();
  }

 private:
  Recorder& recorder() { return context_.recorder; }

  void MachineUnmeasured(std::string_view reason) {
    for (const uint32_t what : kMachine) recorder().Unmeasured(what, {}, reason);
  }

  void SampleMachine(int64_t now_ms) {
    if (files_ == nullptr) return;
    const auto totals = files_->ReadTotalsUs();
    if (!totals.ok()) {
      MachineUnmeasured(MessageOf(totals.status()));
      last_ms_.reset();
      meters_ = {};
      return;
    }
    const std::optional<int64_t> before = std::exchange(last_ms_, now_ms);
    const bool watched = before && now_ms > *before && now_ms - *before <= kGapMsMax;
    for (size_t kind = 0; kind < kMachine.size(); ++kind) {
      const auto stalled_ms = meters_[kind].TakeMs((*totals)[kind]);
      if (!watched || !stalled_ms) continue;
      recorder().Measured(kMachine[kind], {});
      recorder().Count(kMachine[kind], {}, *stalled_ms);
    }
    if (watched) recorder().Watched(watch::kPressure, now_ms - *before);
  }

  void ListenToSessions() {
    if (context_.session_socket.empty()) return;
    auto sessions = SessionSocket::Listen(context_.session_socket, context_.roots.run);
    if (sessions.ok()) {
      sessions_ = *std::move(sessions);
    } else {
      LogWarning("desktop sessions are not listened to",
                 {{"reason", MessageOf(sessions.status())}});
    }
  }

  asio::awaitable<void> SampleSessions() {
    std::vector<SessionSocket::Received> reports;
    std::vector<size_t> peers;
    if (sessions_ != nullptr) {
      reports = sessions_->Read();
      peers = sessions_->peers();
    }
    for (const SessionSocket::Received& received : reports) {
      std::vector<std::string> names;
      for (const auto& program : received.report.programs()) {
        if (names.size() == SessionFeedLimits::kProgramsMax) break;
        ProgramClues clues{program.executable(), program.task(), program.cgroup()};
        const ProgramName name = co_await owners_.NameOf(std::move(clues));
        names.push_back(name.program);
      }
      feed_.Take(received.peer, received.report, names);
    }
    feed_.EndTick(peers);
  }

  asio::awaitable<void> SampleApplications() {
    const auto groups = ReadAppGroups(context_.roots.sys);
    if (!groups.ok()) {
      for (const uint32_t what : kApplication) {
        recorder().Unmeasured(what, {}, MessageOf(groups.status()));
      }
      co_return;
    }
    for (const uint32_t what : kApplication) recorder().Measured(what, {});
    for (const std::string& application : names_.Unknown(*groups)) {
      const bool owned = co_await IsOwned(application);
      names_.Learn(application, owned);
    }
    for (const auto& [application, stalled_ms] : stalls_.Update(*groups, names_)) {
      for (size_t kind = 0; kind < kApplication.size(); ++kind) {
        // An application that never waited needs no window of its own.
        if (stalled_ms[kind] > 0) {
          recorder().Count(kApplication[kind], application, stalled_ms[kind]);
        }
      }
    }
  }

  // Does a package, flatpak or snap own the desktop file of `application`?
  asio::awaitable<bool> IsOwned(std::string application) {
    if (IsSandboxedApplication(context_.roots.var, application)) co_return true;
    const std::string file = "/share/applications/" + application + ".desktop";
    std::error_code ec;
    if (!std::filesystem::exists(context_.roots.usr + file, ec)) co_return false;
    ProgramClues clues;
    clues.executable = "/usr" + file;
    const ProgramName owner = co_await owners_.NameOf(std::move(clues));
    co_return owner.owned;
  }

  SamplerContext context_;
  std::unique_ptr<PressureFiles> files_;
  std::array<StallMeter, 3> meters_;
  std::optional<int64_t> last_ms_;
  LinuxOwners owners_;
  NamedApplications names_;
  AppStalls stalls_;
  std::unique_ptr<SessionSocket> sessions_;
  SessionFeed feed_;
};

}  // namespace

std::unique_ptr<Sampler> MakeResponsivenessSampler(const SamplerContext& context) {
  return std::make_unique<ResponsivenessSampler>(context);
}

}  // namespace candor
