// The usage sampler on Linux.
#include <optional>

#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "agent/samplers/usage/activity.h"
#include "agent/samplers/usage/linux_sessions.h"
#include "agent/samplers/usage/usage.h"

namespace candor {
namespace {

// Idleness changes over minutes; asking more often would only wake logind.
constexpr int64_t kAskEveryMs = 55'000;

class UsageSampler final : public Sampler {
 public:
  explicit UsageSampler(const SamplerContext& context)
      : context_(context), judge_(context.saved_cursor(cursor::kIdleTold) == "1") {}

  std::string_view family() const override { return "usage"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    const bool due = !state_ || tick.minute_start || tick.boottime_ms >= ask_due_ms_;
    if (due) {
      ask_due_ms_ = tick.boottime_ms + kAskEveryMs;
      co_await Ask(tick);
    }
    context_.recorder.Activity(*state_);
  }

 private:
  boost::asio::awaitable<void> Ask(Tick tick) {
    absl::StatusOr<std::vector<SessionState>> sessions = co_await AskLogind();
    if (!sessions.ok()) {
      state_ = judge_.JudgeLogins(CountLogins(Concat(context_.roots.run, "/utmp")));
      co_return;
    }
    const bool told_before = judge_.idle_told();
    state_ = judge_.Judge(*sessions, tick.wall_ms * 1000);
    if (judge_.idle_told() && !told_before) context_.recorder.SetCursor(cursor::kIdleTold, "1");
  }

  // The connection is kept; after an error the next question opens a new one.
  boost::asio::awaitable<absl::StatusOr<std::vector<SessionState>>> AskLogind() {
    if (bus_ == nullptr) {
      absl::StatusOr<std::unique_ptr<LinuxBus>> bus =
          LinuxBus::Open(context_.io, BusSocket(context_.roots));
      if (!bus.ok()) co_return bus.status();
      bus_ = *std::move(bus);
    }
    absl::StatusOr<std::vector<SessionState>> sessions = co_await ReadSessions(*bus_);
    if (!sessions.ok()) bus_.reset();
    co_return sessions;
  }

  const SamplerContext& context_;
  ActivityJudge judge_;
  std::unique_ptr<LinuxBus> bus_;
  std::optional<ActivityState> state_;
  int64_t ask_due_ms_ = 0;
};

}  // namespace

std::unique_ptr<Sampler> MakeUsageSampler(const SamplerContext& context) {
  return std::make_unique<UsageSampler>(context);
}

}  // namespace candor
