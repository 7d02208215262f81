#include "agent/samplers/network/network.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <map>
#include <set>
#include <utility>

#include "agent/samplers/network/links.h"
#include "agent/samplers/network/probe.h"
#include "agent/samplers/network/reachability.h"
#include "agent/samplers/network/tcp_diag.h"
#include "agent/samplers/support/failure_count.h"
#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

namespace asio = boost::asio;

// Ticks come on a grid with slack: a round is due half a tick early rather than a whole one late.
constexpr int64_t kTickSlackMs = 5'000;
constexpr int64_t kTcpReadMs = 60'000;
constexpr std::string_view kNoServices = "no service is configured";

class NetworkSampler final : public Sampler {
 public:
  NetworkSampler(const SamplerContext& context, NetworkOptions options)
      : context_(context), options_(std::move(options)), hosts_(context.roots.etc) {
    TellServices({});
    auto diag = OpenTcpDiag();
    if (diag.ok()) {
      diag_ = *std::move(diag);
      recorder().Unmeasured(metric::kPassiveRtt, {}, "no connection has carried data yet");
    } else {
      TcpUnmeasured(MessageOf(diag.status()));
    }
  }

  std::string_view family() const override { return "network"; }

  void SetServices(const std::vector<ProbedService>& services) override {
    std::vector<ProbedService> old = std::exchange(services_, services);
    if (services_.size() > kServicesMax) services_.resize(kServicesMax);
    if (services_ == old) return;
    TellServices(old);
    round_due_ = true;
  }

  asio::awaitable<void> Sample(Tick tick) override {
    const int64_t now_ms = context_.clock.MonotonicMs();
    SampleLinks();
    CountTime(now_ms);
    if (TcpDue(tick, now_ms)) SampleTcp(now_ms);
    const int64_t every_ms = tick.in_use ? options_.probe_in_use_ms : options_.probe_idle_ms;
    if (round_due_ || !last_round_ms_ || now_ms - *last_round_ms_ >= every_ms - kTickSlackMs) {
      round_due_ = false;
      last_round_ms_ = now_ms;
      co_await RunRound();
    }
  }

 private:
  // What is known of a service's own measurements.
  struct Health {
    int failures = 0;
    bool rtt_measured = false;
  };
  struct Round {
    explicit Round(asio::io_context& io) : finished(io) {}
    size_t running = 0;
    bool any_answered = false;
    bool outdated = false;  // of some service nothing could be said any more
    asio::steady_timer finished;
  };

  Recorder& recorder() { return context_.recorder; }

  void SampleLinks() {
    const auto links = ReadLinks(context_.roots.sys);
    if (!links.ok()) {
      recorder().Unmeasured(event::kLinkChange, {}, MessageOf(links.status()));
      recorder().Unmeasured(metric::kNoLinkSeconds, {}, MessageOf(links.status()));
      return;
    }
    recorder().Measured(event::kLinkChange, {});
    const bool was_up = watch_.any_up();
    for (const LinkWatch::Change& change : watch_.Update(*links)) {
      v1::Event event;
      event.mutable_link_change()->set_up(change.up);
      event.mutable_link_change()->set_medium(std::string(change.medium));
      recorder().Event(std::move(event));
      round_due_ = true;
    }
    round_due_ = round_due_ || watch_.any_up() != was_up;
    reachability_.SetLinkUp(watch_.any_up());
  }

  void CountTime(int64_t now_ms) {
    const Reachability::Seconds seconds = reachability_.Advance(now_ms);
    if (seconds.watched_ms == 0) return;
    recorder().Watched(watch::kProbes, seconds.watched_ms);
    // Zeros are told too: they are measured.
    recorder().Count(metric::kOnlineSeconds, {}, seconds.online);
    recorder().Count(metric::kOfflineSeconds, {}, seconds.offline);
    recorder().Count(metric::kNoLinkSeconds, {}, seconds.no_link);
  }

  // Once a minute; but the first reading only sets the ground, so the next tick brings a second.
  bool TcpDue(const Tick& tick, int64_t now_ms) const {
    if (diag_ == nullptr) return false;
    if (tcp_readings_ < 2 || tick.minute_start) return true;
    return now_ms - last_tcp_ms_ >= kTcpReadMs;
  }

  void SampleTcp(int64_t now_ms) {
    const int64_t before_ms = std::exchange(last_tcp_ms_, now_ms);
    if (const absl::Status status = diag_->Read(open_, closed_); !status.ok()) {
      TcpUnmeasured(MessageOf(status));
      tcp_readings_ = 0;
      table_ = TcpTable();
      return;
    }
    const TcpTable::Totals totals = table_.Update(open_, closed_);
    if (tcp_readings_ < 2) ++tcp_readings_;
    if (tcp_readings_ == 1) {
      recorder().Measured(metric::kSegmentsSent, {});
      recorder().Measured(metric::kSegmentsRetransmitted, {});
      return;
    }
    recorder().Count(metric::kSegmentsSent, {}, totals.sent);
    recorder().Count(metric::kSegmentsRetransmitted, {}, totals.retransmitted);
    recorder().Watched(watch::kTcp, now_ms - before_ms);
    if (!totals.rtts_us.empty()) recorder().Measured(metric::kPassiveRtt, {});
    for (const uint32_t rtt_us : totals.rtts_us) {
      recorder().Record(metric::kPassiveRtt, {}, rtt_us);
    }
  }

  void TcpUnmeasured(std::string_view reason) {
    for (const uint32_t what :
         {metric::kSegmentsSent, metric::kSegmentsRetransmitted, metric::kPassiveRtt}) {
      recorder().Unmeasured(what, {}, reason);
    }
  }

  // Reasons that follow from the configuration alone, when it has changed from `old`.
  void TellServices(const std::vector<ProbedService>& old) {
    constexpr uint32_t kPerService[] = {metric::kRtt, metric::kDns, metric::kTls,
                                        metric::kFirstByte};
    constexpr uint32_t kAny[] = {
        metric::kRtt,           metric::kDns,           metric::kTls,
        metric::kProbes,        metric::kProbeFailures, metric::kOfflineSeconds,
        metric::kOnlineSeconds, metric::kNoLinkSeconds, metric::kFirstByte};
    for (const ProbedService& service : old) {
      for (const uint32_t what : kPerService) recorder().Measured(what, service.name);
      recorder().Measured(metric::kServicePing, service.name);
      pings_.erase(service.name);
    }
    health_.clear();
    for (const uint32_t what : kAny) {
      if (services_.empty()) {
        recorder().Unmeasured(what, {}, kNoServices);
      } else {
        recorder().Measured(what, {});
      }
    }
    bool any_icmp = false;
    for (const ProbedService& service : services_) {
      any_icmp = any_icmp || service.icmp;
      if (!service.tls) {
        recorder().Unmeasured(metric::kTls, service.name, "the service is probed without TLS");
      }
      if (service.http_path.empty()) {
        recorder().Unmeasured(metric::kFirstByte, service.name,
                              "no HTTP path is configured for the service");
      }
    }
    if (any_icmp) {
      recorder().Measured(metric::kServicePing, {});
    } else {
      recorder().Unmeasured(metric::kServicePing, {}, "no service asks for ICMP");
    }
  }

  // All services side by side, and the gateway; ends when every one has ended.
  asio::awaitable<void> RunRound() {
    const auto round = std::make_shared<Round>(context_.io);
    const std::vector<ProbedService> services = services_;
    round->running = services.size() + 1;
    const auto ended = [round](const std::exception_ptr&) {
      if (--round->running == 0) round->finished.cancel();
    };
    for (const ProbedService& service : services) {
      asio::co_spawn(context_.io, ProbeOne(service, round), ended);
    }
    asio::co_spawn(context_.io, ProbeGateway(), ended);
    round->finished.expires_at(asio::steady_timer::time_point::max());
    boost::system::error_code woken;
    while (round->running > 0) {
      co_await round->finished.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    // That none of those answered who were left to answer does not mean offline.
    if (round->outdated && !round->any_answered && !services_.empty()) co_return;
    reachability_.RoundFinished(!services_.empty(), round->any_answered);
  }

  asio::awaitable<void> ProbeOne(ProbedService service, std::shared_ptr<Round> round) {
    const ProbeSetup setup{options_.dns_servers, options_.step_limit_ms, &hosts_};
    const ProbeResult result = co_await ProbeService(context_.io, context_.roots, setup, service);
    // Asked for something else meanwhile.
    if (std::find(services_.begin(), services_.end(), service) == services_.end()) {
      round->outdated = true;
      co_return;
    }
    round->any_answered = round->any_answered || result.connect.connected;
    // Without a link it is not the service that failed.
    if (result.connect.connected || watch_.any_up()) {
      recorder().Count(metric::kProbes, service.name, 1);
      recorder().Count(metric::kProbeFailures, service.name, result.connect.connected ? 0 : 1);
    }
    Health& health = health_[service.name];
    health.failures = result.connect.connected ? 0 : health.failures + 1;
    TakeDns(service.name, result, health);
    TakeConnect(service.name, result.connect, health);
    if (result.ping) {
      TakePing(metric::kServicePing, service.name, *result.ping, result.connect.on_this_machine);
    }
  }

  bool LastingFailure(const Health& health) const {
    return !health.rtt_measured || health.failures >= FailureCount::kLasting;
  }

  void TakeDns(const std::string& name, const ProbeResult& result, const Health& health) {
    if (result.dns_us) {
      recorder().Measured(metric::kDns, name);
      recorder().Record(metric::kDns, name, *result.dns_us);
    } else if (!result.dns_failed || LastingFailure(health)) {
      recorder().Unmeasured(metric::kDns, name, result.dns_reason);
    }
  }

  void TakeConnect(const std::string& name, const ConnectOutcome& connect, Health& health) {
    if (connect.connected && !connect.on_this_machine) {
      health.rtt_measured = true;
      recorder().Measured(metric::kRtt, name);
      recorder().Record(metric::kRtt, name, connect.rtt_us);
    } else if (connect.connected) {
      recorder().Unmeasured(metric::kRtt, name, "service is on loopback");
    } else if (LastingFailure(health)) {
      recorder().Unmeasured(metric::kRtt, name,
                            "the service could not be reached: " + connect.failure);
    }
  }

  void TakePing(uint32_t what, const std::string& subject, const PingOutcome& ping,
                bool on_this_machine) {
    FailureCount& failures = pings_[subject];
    if (ping.rtt_us) {
      failures.Succeeded();
      recorder().Measured(what, subject);
      recorder().Record(what, subject, *ping.rtt_us);
    } else if (failures.Lasting() || ping.not_allowed || on_this_machine) {
      recorder().Unmeasured(what, subject, ping.failure);
    }
  }

  asio::awaitable<void> ProbeGateway() {
    const auto gateway = DefaultGateway(context_.roots.proc);
    if (!gateway) {
      recorder().Unmeasured(metric::kGatewayRtt, {}, "there is no default gateway");
      co_return;
    }
    PingOutcome ping = co_await Ping(context_.io, *gateway, options_.step_limit_ms);
    if (!ping.rtt_us && !ping.not_allowed) {
      ping.failure = "the default gateway does not answer ICMP: " + ping.failure;
    }
    TakePing(metric::kGatewayRtt, {}, ping, /*on_this_machine=*/false);
  }

  SamplerContext context_;
  NetworkOptions options_;
  HostsFile hosts_;
  std::vector<ProbedService> services_;
  std::map<std::string, Health> health_;
  std::map<std::string, FailureCount> pings_;  // by service; the gateway's has no name
  LinkWatch watch_;
  Reachability reachability_;
  std::optional<int64_t> last_round_ms_;
  bool round_due_ = false;

  std::unique_ptr<TcpDiag> diag_;
  TcpTable table_;
  std::vector<TcpSocket> open_;
  std::vector<TcpSocket> closed_;
  int64_t last_tcp_ms_ = 0;
  int tcp_readings_ = 0;  // up to 2, one after another without a failure
};

}  // namespace

std::unique_ptr<Sampler> MakeNetworkSampler(const SamplerContext& context, NetworkOptions options) {
  return std::make_unique<NetworkSampler>(context, std::move(options));
}

}  // namespace candor
