// The network sampler against a line of known delay and loss, over IPv4 and IPv6.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/registry.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/network_line.h"

namespace candor {
namespace {

using testing::MeasuredLine;
using testing::NetworkLine;
using testing::PacketRelay;
using Key = testing::RecordingRecorder::Key;

PacketRelay::Options Delayed(int64_t one_way_ms) {
  PacketRelay::Options options;
  options.delay_one_way_us = one_way_ms * 1'000;
  return options;
}

// What programs of this busy machine take part in is later by what they waited for a CPU.
void CheckJustOver(double measured_ms, double line_ms) {
  CHECK(measured_ms >= line_ms);
  CHECK(measured_ms <= line_ms * 1.05 + 20);
}

TEST_CASE("the round trip to a service is the line's own within 5 %, over IPv4 and IPv6") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const int one_way_ms = GENERATE(10, 40, 150);
  CAPTURE(one_way_ms);
  NetworkLine line(Delayed(one_way_ms));
  line.OnLaptop([&] {
    MeasuredLine measured(line, {line.Mail("mail"), line.Mail("mail4"), line.Mail("mail6")});
    for (int i = 0; i < 5; ++i) measured.SampleAfter(60'000);
    for (const char* service : {"mail", "mail4", "mail6"}) {
      CAPTURE(service);
      CHECK(measured.recorder.recorded[{metric::kRtt, service}].size() == 5);
      CHECK(measured.LeastMs(metric::kRtt, service) == Approx(2 * one_way_ms).epsilon(0.05));
      CheckJustOver(measured.MedianMs(metric::kDns, service), 2 * one_way_ms);
      CHECK(measured.Counted(metric::kProbes, service) == 5);
      CHECK(measured.Counted(metric::kProbeFailures, service) == 0);
    }
    // Each kind for itself, only where there are both.
    for (const uint32_t what : {metric::kRttIpv4, metric::kRttIpv6}) {
      CHECK(measured.LeastMs(what, "mail") == Approx(2 * one_way_ms).epsilon(0.05));
      CHECK(measured.MedianMs(what, "mail4") == -1);
      CHECK(measured.MedianMs(what, "mail6") == -1);
    }
  });
}

TEST_CASE("broken IPv6 shows as what it is, while the service answers over IPv4") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  NetworkLine line(Delayed(5));
  line.OnLaptop([&] {
    NetworkOptions options;
    options.step_limit_ms = 1'000;
    MeasuredLine measured(line, {line.Mail("mail"), line.Mail("mail4"), line.Mail("mail6")},
                          options);
    measured.SampleAfter(60'000);
    line.relay->SetIpv6Dead(true);
    for (int i = 0; i < 3; ++i) measured.SampleAfter(60'000);
    CHECK(measured.Counted(metric::kProbeFailures, "mail") == 0);
    CHECK(measured.Counted(metric::kProbesIpv6, "mail") == 4);
    CHECK(measured.Counted(metric::kProbeFailuresIpv6, "mail") == 3);
    CHECK(measured.Counted(metric::kProbesIpv4, "mail") == 4);
    CHECK(measured.Counted(metric::kProbeFailuresIpv4, "mail") == 0);
    CHECK(measured.recorder.unmeasured[{metric::kRttIpv6, "mail"}].find("over IPv6: no answer") !=
          std::string::npos);
    // A service that has nothing but IPv6 is gone; the laptop is not offline.
    CHECK(measured.Counted(metric::kProbeFailures, "mail6") == 3);
    CHECK(measured.Counted(metric::kOfflineSeconds) == 0);
    CHECK(measured.Causes().empty());
  });
}

TEST_CASE("a service behind a tunnel is reached by VPN, one on the link is not") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  NetworkLine line;
  const bool tunnel = GENERATE(true, false);
  line.OnLaptop([&] {
    // The line's device with hardware beside it, or as hardware itself.
    testing::TempFolder sys;
    const auto interface = [&](const std::string& name, const std::string& type, bool hardware) {
      const std::filesystem::path folder = sys.File("class/net/" + name);
      std::filesystem::create_directories(hardware ? folder / "device" : folder);
      std::ofstream(folder / "type") << type << "\n";
      std::ofstream(folder / "operstate") << "up\n";
    };
    interface("eth0", "1", true);
    interface("candor0", "65534", !tunnel);
    NetworkOptions options;
    MeasuredLine measured(line, {line.Mail("mail4"), line.Mail("mail6")}, options, sys.path());
    measured.sampler->SetGateways({.office = {"10.111.0.2"}, .home = {}});
    measured.SampleAfter(60'000);
    measured.SampleAfter(10'000);
    const std::string place = tunnel ? "office vpn" : "office";
    CHECK(measured.Counted(metric::kClassOnlineSeconds, place) == 10);
    CHECK(measured.recorder.recorded[{metric::kClassRtt, place}].size() == 2);
  });
}

TEST_CASE("gateway and service are pinged where the system allows it, and only there") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  NetworkLine line(Delayed(20));
  const bool allowed = GENERATE(true, false);
  line.OnLaptop([&] {
    // The setting belongs to the network namespace.
    std::ofstream range("/proc/sys/net/ipv4/ping_group_range");
    range << (allowed ? "0 2147483647" : "1 0");
    range.close();
    ProbedService service = line.Mail("mail4");
    ProbedService service6 = line.Mail("mail6");
    service.icmp = service6.icmp = true;
    MeasuredLine measured(line, {service, service6});
    measured.SampleAfter(60'000);
    auto& recorder = measured.recorder;
    for (const Key& key : {Key{metric::kGatewayRtt, ""}, Key{metric::kServicePing, "mail4"},
                           Key{metric::kServicePing, "mail6"}}) {
      CAPTURE(key.first, key.second);
      if (allowed) {
        CheckJustOver(measured.MedianMs(key.first, key.second), 40);
      } else {
        CHECK(recorder.unmeasured[key].find("ping_group_range") != std::string::npos);
      }
    }
  });
}

TEST_CASE("loss on the line shows as retransmitted segments within half a point") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const bool v6 = GENERATE(false, true);
  CAPTURE(v6);
  NetworkLine line(Delayed(2));
  line.OnLaptop([&] {
    MeasuredLine measured(line, {line.Mail("mail")});
    measured.SampleAfter(60'000);
    line.Send(2 << 20, v6);
    // 2 MiB in segments of at most 1,448 bytes; closed connections are counted, too.
    const int64_t clean = measured.SentOver(1'449);
    CHECK(clean >= 1'449);
    const int64_t clean_again = measured.Counted(metric::kSegmentsRetransmitted);
    CHECK(clean_again <= clean / 200);
    CHECK(measured.recorder.watched["tcp"] % 60'000 == 0);
    CHECK(measured.recorder.watched["tcp"] >= 60'000);

    const uint64_t before = line.relay->data_from_a();
    line.relay->SetLoss(0.03);
    line.Send(4 << 20, v6);
    line.relay->SetLoss(0);
    const auto on_line = static_cast<double>(line.relay->data_from_a() - before);
    const double lost_pct = 100 * static_cast<double>(line.relay->data_lost_from_a()) / on_line;
    const int64_t lossy = measured.SentOver(clean + 2'897) - clean;
    const int64_t again = measured.Counted(metric::kSegmentsRetransmitted) - clean_again;
    const double measured_pct = 100 * static_cast<double>(again) / static_cast<double>(lossy);
    CAPTURE(lost_pct, measured_pct, lossy, on_line);
    CHECK(lost_pct >= 2);
    CHECK(std::abs(measured_pct - lost_pct) <= 0.5);
    CHECK(measured.MedianMs(metric::kPassiveRtt, "") >= 4);
  });
}

}  // namespace
}  // namespace candor
