#include "agent/samplers/network/network.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "agent/samplers/network/gateway.h"
#include "agent/samplers/network/links.h"
#include "agent/samplers/network/place.h"
#include "agent/samplers/network/probe.h"
#include "agent/samplers/network/reachability.h"
#include "agent/samplers/network/service_book.h"
#include "agent/samplers/network/tcp_diag.h"
#include "agent/samplers/network/wifi.h"
#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

namespace asio = boost::asio;

// Ticks come on a grid with slack: a round is due half a tick early rather than a whole one late.
constexpr int64_t kTickSlackMs = 5'000;
constexpr int64_t kTcpReadMs = 60'000;

class NetworkSampler final : public Sampler {
 public:
  NetworkSampler(const SamplerContext& context, NetworkOptions options)
      : context_(context),
        options_(std::move(options)),
        hosts_(context.roots.etc),
        book_(context.recorder),
        wifi_(context.recorder, context.roots.sys) {
    book_.Configure({}, {});
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
    book_.Configure(old, services_);
    round_due_ = true;
  }

  void SetGateways(const KnownGateways& gateways) override { places_.Configure(gateways); }

  asio::awaitable<void> Sample(Tick tick) override {
    const int64_t now_ms = context_.clock.MonotonicMs();
    SampleLinks(tick, now_ms);
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
  struct Round {
    explicit Round(asio::io_context& io) : finished(io) {}
    size_t running = 0;
    std::vector<ProbeVerdict> verdicts;
    std::vector<int64_t> rtts_us;
    bool vpn = false;
    bool outdated = false;  // of some service nothing could be said any more
    asio::steady_timer finished;
  };

  Recorder& recorder() { return context_.recorder; }

  void SampleLinks(const Tick& tick, int64_t now_ms) {
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
    links_ = *links;
    if (tick.minute_start || !last_round_ms_) {
      wifi_.Sample(*links, now_ms, context_.clock.BoottimeMs());
    }
  }

  void CountTime(int64_t now_ms) {
    const Reachability::Seconds seconds = reachability_.Advance(now_ms);
    if (seconds.watched_ms == 0) return;
    recorder().Watched(watch::kProbes, seconds.watched_ms);
    // Zeros are told too: they are measured.
    recorder().Count(metric::kOnlineSeconds, {}, seconds.online);
    recorder().Count(metric::kOfflineSeconds, {}, seconds.offline);
    recorder().Count(metric::kNoLinkSeconds, {}, seconds.no_link);
    if (!place_.empty()) {
      recorder().Count(metric::kClassOnlineSeconds, place_, seconds.online);
      recorder().Count(metric::kClassOfflineSeconds, place_, seconds.offline);
    }
    if (seconds.offline > 0) {
      recorder().Count(metric::kOfflineCauseSeconds, NameOf(reachability_.cause()),
                       seconds.offline);
    }
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
    place_ = PlaceNow(round->vpn);
    for (const int64_t rtt_us : round->rtts_us) {
      if (!place_.empty()) recorder().Record(metric::kClassRtt, place_, rtt_us);
    }
    if (services_.empty()) {
      reachability_.RoundIdle();
    } else if (AnyAnswered(round->verdicts)) {
      reachability_.RoundAnswered();
    } else if (!round->outdated) {
      // That none of those answered who were left to answer would not mean offline.
      reachability_.RoundFailed(CauseOf(round->verdicts, JudgeGateway()));
    }
  }

  asio::awaitable<void> ProbeOne(ProbedService service, std::shared_ptr<Round> round) {
    const ProbeSetup setup{options_.dns_servers, options_.step_limit_ms, &hosts_,
                           book_.WhereFound(service.name)};
    const ProbeResult result = co_await ProbeService(context_.io, context_.roots, setup, service);
    // Asked for something else meanwhile.
    if (std::find(services_.begin(), services_.end(), service) == services_.end()) {
      round->outdated = true;
      co_return;
    }
    round->verdicts.push_back(result.verdict);
    if (!result.addresses.empty()) {
      const auto& address = result.addresses.front();
      round->vpn = round->vpn || LeadsThroughTunnel(context_.roots.sys, address, links_);
    }
    if (const auto rtt_us = book_.Take(service, result, watch_.any_up())) {
      round->rtts_us.push_back(*rtt_us);
    }
  }

  // The kind of network, empty where there is none, and what this round saw of it.
  std::string PlaceNow(bool vpn) const {
    const auto gateway = DefaultGateway(context_.roots.proc);
    if (!gateway) return {};
    std::vector<uint8_t> hardware;
    if (places_.wants_hardware()) hardware = LookUpNeighbour(*gateway).hardware;
    return PlaceName(places_.KindOf(*gateway, hardware), vpn);
  }

  asio::awaitable<void> ProbeGateway() {
    const auto gateway = DefaultGateway(context_.roots.proc);
    if (!gateway) {
      recorder().Unmeasured(metric::kGatewayRtt, {}, "there is no default gateway");
      co_return;
    }
    PingOutcome ping = co_await Ping(context_.io, *gateway, options_.step_limit_ms);
    gateway_.Pinged(*gateway, ping);
    if (!ping.rtt_us && !ping.not_allowed) {
      ping.failure = "the default gateway does not answer ICMP: " + ping.failure;
    }
    book_.TakePing(metric::kGatewayRtt, {}, ping, /*on_this_machine=*/false);
  }

  // Asked only where nobody answered.
  GatewayState JudgeGateway() const {
    const std::string& proc = context_.roots.proc;
    const auto gateway = DefaultGateway(proc);
    return gateway_.Judge(gateway, HasDefaultRoute(proc),
                          gateway ? LookUpNeighbour(*gateway).state : NeighbourState::kUnsure);
  }

  SamplerContext context_;
  NetworkOptions options_;
  HostsFile hosts_;
  std::vector<ProbedService> services_;
  ServiceBook book_;
  GatewayWatch gateway_;
  WifiPart wifi_;
  Places places_;
  std::string place_;        // of the latest round; empty where there is no network
  std::vector<Link> links_;  // of the latest reading
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
