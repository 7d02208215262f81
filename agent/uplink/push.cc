#include "agent/uplink/push.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <memory>

#include "agent/uplink/daemon_link.h"
#include "agent/uplink/device_identity.h"
#include "agent/uplink/enroll_file.h"
#include "agent/uplink/enrollment_client.h"
#include "agent/uplink/linux_cost.h"
#include "agent/uplink/outcome.h"
#include "agent/uplink/push_stream.h"
#include "agent/uplink/service_probe.h"
#include "common/files.h"
#include "common/log.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "common/tls/authority.h"

namespace candor {
namespace {

constexpr int64_t kStartTimeoutMs = 10'000;
constexpr int64_t kConnectTimeoutMs = 10'000;
constexpr int64_t kProbeTimeoutMs = 5'000;
constexpr int64_t kDoneTimeoutMs = 2'000;
// A renewal that is due but not pressing is tried in one of so many pushes: it spreads the fleet's
// renewals, and a listener that cannot be reached costs little.
constexpr uint64_t kRenewalOneIn = 8;

class PushRun {
 public:
  PushRun(const PushOptions& options, DaemonLink& link, const Clock& clock, Random& random)
      : options_(options), files_(options.state), link_(link), clock_(clock), random_(random) {}

  absl::Status Run() {
    CANDOR_RETURN_IF_ERROR(ReadStart());
    const PushOutcome outcome = Deliver();
    ProbeServices();
    return SayDone(outcome);
  }

 private:
  int64_t LeftMs() const { return std::max<int64_t>(deadline_ms_ - clock_.MonotonicMs(), 1); }

  absl::Status ReadStart() {
    link_.SetDeadline(clock_.MonotonicMs() + kStartTimeoutMs);
    CANDOR_ASSIGN_OR_RETURN(v1::ToUplink message, link_.Next());
    if (!message.has_start()) return absl::InvalidArgumentError("the daemon does not begin a push");
    start_ = std::move(*message.mutable_start());
    const auto asked_ms = static_cast<int64_t>(
        std::min<uint64_t>(start_.deadline_ms(), static_cast<uint64_t>(kPushMsMax)));
    deadline_ms_ =
        clock_.MonotonicMs() + (asked_ms == 0 ? kPushMsDefault : std::max(asked_ms, kPushMsMin));
    link_.SetDeadline(deadline_ms_);
    if (options_.on_deadline) options_.on_deadline(LeftMs());
    return absl::OkStatus();
  }

  PushOutcome Deliver() {
    absl::StatusOr<DeviceIdentity> identity = files_.Load();
    if (absl::IsNotFound(identity.status())) {
      const absl::Status enrolled = EnrollAsFileSays();
      if (absl::IsNotFound(enrolled)) {
        return {v1::PushDone::NOT_ENROLLED, std::string(MessageOf(identity.status()))};
      }
      if (!enrolled.ok()) return OutcomeOfEnrollment(enrolled);
      identity = files_.Load();
    }
    if (!identity.ok()) {
      return {v1::PushDone::FAILED, std::string(MessageOf(identity.status()))};
    }
    device_id_ = identity->device_id;
    collector_ = identity->credential.collector;
    ForgetToken();
    if (PushOutcome dates = CheckDates(*identity); dates.outcome != v1::PushDone::OK) return dates;
    return Stream(*identity);
  }

  // NotFound where nobody left word how.
  absl::Status EnrollAsFileSays() {
    if (options_.enroll_file.empty()) return absl::NotFoundError("no file to enrol by");
    CANDOR_ASSIGN_OR_RETURN(EnrollOptions enroll, ReadEnrollFile(options_.enroll_file));
    enroll.state = options_.state;
    enroll.timeout_ms = std::min(LeftMs(), enroll.timeout_ms);
    CANDOR_ASSIGN_OR_RETURN(const DeviceIdentity identity, Enroll(enroll, clock_, random_));
    LogInfo("enrolled", {{"device", identity.device_id}, {"by", options_.enroll_file}});
    return absl::OkStatus();
  }

  // A token has no business on a laptop that is enrolled.
  void ForgetToken() const {
    if (options_.enroll_file.empty() || !ReadEnrollFile(options_.enroll_file).ok()) return;
    const absl::Status removed = RemoveToken(options_.enroll_file);
    if (!removed.ok()) LogWarning("the token stays", {{"reason", MessageOf(removed)}});
  }

  // Dates in order, by renewal if need be.
  PushOutcome CheckDates(DeviceIdentity& identity) {
    // Load has checked that it parses.
    const Certificate certificate = *Certificate::FromPem(identity.credential.certificate_pem);
    not_after_ms_ = certificate.not_after_ms();
    const int64_t now_ms = clock_.WallMs();
    const PushOutcome dates = OutcomeOfDates(certificate, now_ms);
    if (dates.outcome == v1::PushDone::CERTIFICATE_NOT_YET_VALID) return dates;
    const bool expired = dates.outcome == v1::PushDone::CERTIFICATE_EXPIRED;
    if (!expired && !RenewalWanted(certificate, now_ms)) return {};
    const absl::Status renewed = Renew(identity);
    if (renewed.ok()) return {};
    LogWarning("certificate not renewed", {{"reason", MessageOf(renewed)}});
    const PushOutcome failed = OutcomeOfRenewal(renewed, dates);
    return expired || failed.outcome == v1::PushDone::REVOKED ? failed : PushOutcome{};
  }

  bool RenewalWanted(const Certificate& certificate, int64_t now_ms) {
    const int64_t due_ms = RenewalDueMs(certificate);
    if (now_ms < due_ms) return false;
    const int64_t pressing_ms = due_ms + (certificate.not_after_ms() - due_ms) / 2;
    return now_ms >= pressing_ms || random_.Below(kRenewalOneIn) == 0;
  }

  absl::Status Renew(DeviceIdentity& identity) {
    CANDOR_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(files_.folder() + "/lock"));
    CANDOR_ASSIGN_OR_RETURN(
        DeviceIdentity renewed,
        RequestRenewal(identity, clock_, std::min(LeftMs(), kConnectTimeoutMs)));
    // With the port that the fleet listens on today.
    CANDOR_RETURN_IF_ERROR(files_.Save(renewed));
    identity = std::move(renewed);
    not_after_ms_ = Certificate::FromPem(identity.credential.certificate_pem)->not_after_ms();
    LogInfo("certificate renewed", {{"device", identity.device_id}});
    return absl::OkStatus();
  }

  PushOutcome Stream(const DeviceIdentity& identity) {
    const std::string& collector = identity.credential.collector;
    const auto channel = FleetChannel(collector, identity.credential);
    const int64_t connect_ms = std::min(LeftMs(), kConnectTimeoutMs);
    if (!Connect(*channel, collector, connect_ms).ok()) {
      return OutcomeOfDiagnosis(DiagnoseConnection(collector, identity.credential, clock_.WallMs(),
                                                   std::min(LeftMs(), kConnectTimeoutMs)),
                                collector);
    }
    PushStream stream(channel, link_, clock_, deadline_ms_);
    const absl::Status status = stream.Run(std::move(*start_.mutable_hello()));
    const SocketBytes bytes = OpenSocketBytes();
    cost_.bytes_sent += bytes.sent;
    cost_.bytes_received += bytes.received;
    return OutcomeOfStream(status, stream.throttled());
  }

  void ProbeServices() {
    for (const v1::Configuration::Service& service : start_.probe()) {
      if (clock_.MonotonicMs() >= deadline_ms_) return;
      v1::FromUplink message;
      *message.mutable_probe() = ProbeService(service, std::min(LeftMs(), kProbeTimeoutMs), cost_);
      if (!link_.Send(message).ok()) return;
    }
  }

  absl::Status SayDone(const PushOutcome& outcome) {
    link_.SetDeadline(clock_.MonotonicMs() + kDoneTimeoutMs);
    const ProcessCost own = OwnCost();
    v1::FromUplink message;
    v1::PushDone& done = *message.mutable_done();
    done.set_outcome(outcome.outcome);
    done.set_detail(outcome.detail);
    done.set_cpu_us(own.cpu_us);
    done.set_rss_kib_max(own.rss_kib_max);
    done.set_context_switches(own.context_switches);
    done.set_bytes_sent(cost_.bytes_sent);
    done.set_bytes_received(cost_.bytes_received);
    done.set_certificate_not_after_ms(not_after_ms_);
    done.set_device_id(device_id_);
    done.set_collector(collector_);
    return link_.Send(message);
  }

  const PushOptions& options_;
  const IdentityFiles files_;
  DaemonLink& link_;
  const Clock& clock_;
  Random& random_;
  v1::PushStart start_;
  int64_t deadline_ms_ = 0;
  int64_t not_after_ms_ = 0;
  std::string device_id_;
  std::string collector_;
  ProbeCost cost_;
};

}  // namespace

absl::Status Push(const PushOptions& options, const Clock& clock, Random& random) {
  CANDOR_ASSIGN_OR_RETURN(const std::unique_ptr<DaemonLink> link,
                          DaemonLink::Open(options.fd, clock));
  return PushRun(options, *link, clock, random).Run();
}

}  // namespace candor
