#include "agent/daemon/pusher.h"

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <optional>

#include "agent/daemon/push_session.h"
#include "agent/samplers/support/failure_count.h"
#include "common/log.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/version.h"

namespace candor {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kUplink = "uplink";
// While the collector cannot be reached, what is pending is sealed in larger pieces.
constexpr uint64_t kPendingMaxWhileFailing = 60;

PushPolicy::Failure FailureOf(v1::PushDone::Outcome outcome) {
  switch (outcome) {
    case v1::PushDone::NOT_ENROLLED:
      return PushPolicy::Failure::kNotEnrolled;
    case v1::PushDone::REVOKED:
    case v1::PushDone::CERTIFICATE_EXPIRED:
    case v1::PushDone::CERTIFICATE_NOT_YET_VALID:
    case v1::PushDone::UNTRUSTED_SERVER:
    case v1::PushDone::WRONG_ROLE:
      return PushPolicy::Failure::kHopeless;
    default:
      return PushPolicy::Failure::kUnreachable;
  }
}

// "UNTRUSTED_SERVER" and a detail to "untrusted server: …".
std::string OutcomeText(const PushResult& result) {
  if (result.done.outcome() == v1::PushDone::OUTCOME_UNSPECIFIED) {
    return std::string(result.error.message());
  }
  std::string text = v1::PushDone::Outcome_Name(result.done.outcome());
  for (char& c : text) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  const std::string& detail = result.done.detail();
  if (detail.starts_with(text)) return detail;
  return detail.empty() ? text : text + ": " + detail;
}

}  // namespace

struct Pusher::Impl {
  explicit Impl(PusherContext given)
      : context(std::move(given)), policy(context.clock, context.random), timer(context.io) {}

  void Consider(bool now_in_use, bool now_on_battery, int64_t tick_ms) {
    in_use = now_in_use;
    on_battery = now_on_battery;
    next_tick_ms = tick_ms;
    Reconsider();
  }

  void Reconsider() {
    if (stopped || running) return;
    const EffectiveConfiguration& configuration = context.configuration();
    policy.SetCadence(
        {configuration.push_active_s, configuration.push_idle_s, configuration.watched});
    const int64_t wait_ms = policy.DueMs(in_use, on_battery) - context.clock.BoottimeMs();
    if (wait_ms <= 0) {
      Start();
    } else if (wait_ms < next_tick_ms) {
      timer.expires_after(std::chrono::milliseconds(wait_ms));
      timer.async_wait([this](boost::system::error_code error) {
        if (!error) Reconsider();
      });
    }
  }

  void Start() {
    running = true;
    timer.cancel();
    asio::co_spawn(context.io, Push(), [this](std::exception_ptr failure) {
      running = false;
      if (failure) LogError("a push ended with an exception");
      Reconsider();
    });
  }

  asio::awaitable<void> Push() {
    policy.OnStart();
    left_unsealed = !SealPending();
    PushResult result;
    const auto position = context.spool.Position();
    absl::StatusOr<UplinkProcess> uplink = StartUplink(position.status());
    if (uplink.ok()) {
      session.emplace(context.io, uplink->TakeSocket(), context.spool, PushLimits{},
                      [this](const v1::FromUplink& message) { Take(message); });
      throttle_ms.reset();
      result = co_await session->Run(MakeStart(*position));
      session.reset();
    } else {
      result.error = uplink.status();
    }
    if (!stopped) Conclude(result, position.ok() ? position->first_held : 0);
    // The uplink has said its last word; one that does not go is ended with its object.
    for (int i = 0; uplink.ok() && i < 20 && !uplink->Reap(); ++i) {
      timer.expires_after(std::chrono::milliseconds(50));
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  absl::StatusOr<UplinkProcess> StartUplink(const absl::Status& ready) {
    CANDOR_RETURN_IF_ERROR(ready);
    return UplinkProcess::Start(context.uplink);
  }

  // False where something was left to be sealed once the collector answers again.
  bool SealPending() {
    const uint64_t pending = context.spool.Figures().pending;
    const bool wait = policy.failing() && !urgent_waits && pending < kPendingMaxWhileFailing;
    if (wait) return pending == 0;
    if (absl::Status sealed = context.spool.Seal(); !sealed.ok()) {
      // Told once; the daemon's own line and `status` say that it goes on.
      if (seal_failure != MessageOf(sealed)) {
        seal_failure = MessageOf(sealed);
        LogWarning("cannot seal what was measured", {{"reason", seal_failure}});
      }
      return true;
    }
    seal_failure.clear();
    urgent_waits = false;
    return true;
  }

  v1::PushStart MakeStart(const SpoolPosition& position) {
    v1::PushStart start;
    v1::Hello& hello = *start.mutable_hello();
    hello.set_protocol(1);
    hello.set_agent_version(std::string(kVersion));
    hello.set_epoch(position.epoch);
    hello.set_first_held(position.first_held);
    hello.set_last_sealed(position.last_sealed);
    hello.set_wall_ms(context.clock.WallMs());
    hello.set_boottime_ms(context.clock.BoottimeMs());
    const EffectiveConfiguration& configuration = context.configuration();
    hello.set_configuration_hash(configuration.hash);
    if (configuration.families_off.contains("network")) return start;
    for (const ProbedService& service : configuration.services) {
      if (!service.tls && service.http_path.empty()) continue;
      auto* probe = start.add_probe();
      probe->set_name(service.name);
      probe->set_host(service.host);
      probe->set_port(service.port);
      probe->set_tls(service.tls);
      probe->set_http_path(service.http_path);
    }
    return start;
  }

  void Take(const v1::FromUplink& message) {
    if (message.has_welcome()) {
      policy.SetReconnectWindow(message.welcome().reconnect_window_s());
      if (message.welcome().has_configuration()) {
        context.on_configuration(message.welcome().configuration());
      }
    } else if (message.has_configuration()) {
      context.on_configuration(message.configuration());
    } else if (message.has_throttle()) {
      throttle_ms = message.throttle().retry_after_ms();
    } else if (message.has_probe()) {
      TakeProbe(message.probe());
    }
  }

  // What the service is not asked for has its reason from the configuration (network.h).
  void TakeProbe(const v1::ServiceProbe& probe) {
    const auto& services = context.configuration().services;
    const auto service = std::find_if(services.begin(), services.end(),
                                      [&](const auto& s) { return s.name == probe.service(); });
    if (service == services.end()) return;
    if (service->tls) {
      TakeTime(metric::kTls, service->name, probe.has_tls_us(), probe.tls_us());
    }
    if (!service->http_path.empty()) {
      TakeTime(metric::kFirstByte, service->name, probe.has_first_byte_us(), probe.first_byte_us());
    }
  }

  void TakeTime(uint32_t what, const std::string& service, bool measured, uint64_t us) {
    FailureCount& failures = probe_failures[{what, service}];
    if (measured) {
      failures.Succeeded();
      context.windows.Measured(what, service);
      context.windows.Record(what, service, static_cast<int64_t>(us));
    } else if (failures.Lasting()) {
      context.windows.Unmeasured(what, service, "the service does not answer the uplink's probes");
    }
  }

  void Conclude(const PushResult& result, uint64_t first_held_before) {
    const v1::PushDone& done = result.done;
    const bool ok = done.outcome() == v1::PushDone::OK;
    // A collector that never knows the epoch it was just told of must not be asked in a loop.
    const bool fresh_epoch = result.new_epoch && !epoch_renewed;
    epoch_renewed = result.new_epoch;
    if (fresh_epoch || (ok && Unfinished(first_held_before))) {
      policy.OnMore();
    } else if (ok) {
      policy.OnSuccess();
    } else if (throttle_ms || done.outcome() == v1::PushDone::THROTTLED) {
      policy.OnThrottle(throttle_ms.value_or(PushPolicy::kRetryCapMs));
    } else {
      policy.OnFailure(FailureOf(done.outcome()));
    }
    Remember(result, ok);
    if (done.outcome() != v1::PushDone::OUTCOME_UNSPECIFIED) RecordCost(done);
  }

  // A backlog that one push did not carry: another follows, as long as it gets on. The first push
  // after a failure carries what was sealed before it; what was not follows with the next.
  bool Unfinished(uint64_t first_held_before) {
    const auto position = context.spool.Position();
    const bool got_on = position.ok() && position->first_held > first_held_before;
    return left_unsealed || (got_on && context.spool.Figures().held_batches > 0);
  }

  void Remember(const PushResult& result, bool ok) {
    const std::string outcome = result.new_epoch ? "a new epoch began" : OutcomeText(result);
    status.last_wall_ms = context.clock.WallMs();
    if (result.done.certificate_not_after_ms() != 0) {
      status.certificate_not_after_ms = result.done.certificate_not_after_ms();
    }
    if (!result.done.device_id().empty()) {
      status.device_id = result.done.device_id();
      status.collector = result.done.collector();
    }
    // The same failure again is no news.
    if (outcome == status.last_outcome && !ok) return;
    status.last_outcome = outcome;
    Log(ok ? LogLevel::kDebug : LogLevel::kWarning, ok ? "pushed" : "push failed",
        {{"outcome", outcome}, {"batches", result.batches_sent}});
  }

  void RecordCost(const v1::PushDone& done) {
    WindowSet& windows = context.windows;
    windows.Count(metric::kAgentCpu, kUplink, static_cast<int64_t>(done.cpu_us() / 1'000));
    windows.Gauge(metric::kAgentMemory, kUplink, static_cast<int64_t>(done.rss_kib_max()));
    windows.Count(metric::kAgentWakeups, kUplink, static_cast<int64_t>(done.context_switches()));
    windows.Count(metric::kAgentBytesSent, kUplink, static_cast<int64_t>(done.bytes_sent()));
  }

  PusherContext context;
  PushPolicy policy;
  asio::steady_timer timer;
  std::optional<PushSession> session;
  std::optional<int64_t> throttle_ms;
  PushStatus status;
  bool in_use = false;
  bool on_battery = false;
  std::string seal_failure;    // that was told last; empty when sealing works
  bool urgent_waits = false;   // something urgent is in no batch yet
  bool left_unsealed = false;  // by the push that runs
  bool epoch_renewed = false;
  bool running = false;
  bool stopped = false;
  int64_t next_tick_ms = 0;
  std::map<std::pair<uint32_t, std::string>, FailureCount> probe_failures;  // metric and service
};

Pusher::Pusher(PusherContext context) : impl_(std::make_unique<Impl>(std::move(context))) {}
Pusher::~Pusher() = default;

void Pusher::Consider(bool in_use, bool on_battery, int64_t next_tick_ms) {
  impl_->Consider(in_use, on_battery, next_tick_ms);
}

void Pusher::OnUrgent() {
  impl_->urgent_waits = true;
  impl_->policy.OnUrgent();
  impl_->Reconsider();
}

void Pusher::OnAsked() {
  impl_->urgent_waits = true;
  impl_->policy.OnAsked();
  impl_->Reconsider();
}

void Pusher::Stop() {
  impl_->stopped = true;
  impl_->timer.cancel();
  if (impl_->session) impl_->session->Abort();
}

PushStatus Pusher::status() const {
  PushStatus status = impl_->status;
  const int64_t due_ms = impl_->policy.DueMs(impl_->in_use, impl_->on_battery);
  status.next_wall_ms = impl_->context.clock.WallMs() +
                        std::max<int64_t>(due_ms - impl_->context.clock.BoottimeMs(), 0);
  return status;
}

bool Pusher::running() const { return impl_->running; }

}  // namespace candor
