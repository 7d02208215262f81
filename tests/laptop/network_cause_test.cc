// Why there is no service: each fault is put on a real line and has to be found and named.
#include <fstream>

#include "common/registry.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/network_line.h"

namespace candor {
namespace {

using testing::MeasuredLine;
using testing::NetworkLine;

NetworkOptions Hasty() {
  NetworkOptions options;
  options.step_limit_ms = 1'000;
  return options;
}

void AllowPing(bool allowed) {
  std::ofstream("/proc/sys/net/ipv4/ping_group_range") << (allowed ? "0 2147483647" : "1 0");
}

// A minute in which `fault` came up, and what the next ten seconds are called.
std::string CauseOfFault(MeasuredLine& measured, const std::function<void()>& fault) {
  measured.SampleAfter(60'000);
  CHECK(measured.Causes().empty());
  fault();
  measured.SampleAfter(60'000);
  measured.SampleAfter(10'000);
  CHECK(measured.Counted(metric::kOnlineSeconds) == 60);
  return measured.Causes();
}

TEST_CASE("a line that carries 80 ms more, then nothing, is slow and then silent") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string host = GENERATE("mail4", "mail6", "mail");
  CAPTURE(host);
  NetworkLine line;
  line.OnLaptop([&] {
    AllowPing(false);
    MeasuredLine measured(line, {line.Mail(host)}, Hasty());
    for (int i = 0; i < 3; ++i) measured.SampleAfter(60'000);
    const double near_ms = measured.LeastMs(metric::kRtt, host);
    line.relay->SetDelayOneWayUs(40'000);
    measured.recorder.recorded.clear();
    for (int i = 0; i < 3; ++i) measured.SampleAfter(60'000);
    CHECK(measured.LeastMs(metric::kRtt, host) == Approx(near_ms + 80).epsilon(0.05));
    line.relay->SetLoss(1);
    measured.SampleAfter(60'000);
    measured.SampleAfter(10'000);
    CHECK(measured.Counted(metric::kOfflineSeconds) == 10);
    CHECK(measured.Counted(metric::kOnlineSeconds) == 360);
    CHECK(measured.Counted(metric::kProbeFailures, host) == 1);
    // The resolver is behind the same line: it is not the one to blame.
    CHECK(measured.Causes() == "no_answer 10");
  });
}

TEST_CASE("a gateway that was heard and is silent is the line in the room") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  NetworkLine line;
  line.OnLaptop([&] {
    AllowPing(true);
    MeasuredLine measured(line, {line.Mail("mail")}, Hasty());
    CHECK(CauseOfFault(measured, [&] { line.relay->SetLoss(1); }) == "gateway 10");
    CHECK(measured.Counted(metric::kOfflineSeconds) == 10);
  });
}

TEST_CASE("a resolver that takes 300 ms is slow, and one that takes for ever is silent") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const bool v6 = GENERATE(false, true);
  CAPTURE(v6);
  NetworkLine line;
  line.OnLaptop([&] {
    AllowPing(true);
    testing::DnsServer& dns = v6 ? *line.dns6 : *line.dns;
    NetworkOptions options = Hasty();
    options.dns_servers = dns.address();
    MeasuredLine measured(line, {line.Mail("mail")}, options);
    dns.SetDelayMs(300);
    for (int i = 0; i < 3; ++i) measured.SampleAfter(60'000);
    CHECK(measured.LeastMs(metric::kDns, "mail") == Approx(300).epsilon(0.05));
    CHECK(measured.LeastMs(metric::kRtt, "mail") < 15);
    dns.Drop(1'000'000);
    measured.SampleAfter(60'000);
    measured.SampleAfter(10'000);
    CHECK(measured.Counted(metric::kOfflineSeconds) == 10);
    CHECK(measured.Causes() == "dns_silent 10");
    CHECK(measured.Counted(metric::kOnlineSeconds) == 180);
  });
}

TEST_CASE("a resolver that knows no name answers, and is to blame all the same") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  NetworkLine line;
  line.OnLaptop([&] {
    MeasuredLine measured(line, {line.Mail("mail")}, Hasty());
    const auto forget = [&] { line.dns->Remove("mail.example.org"); };
    CHECK(CauseOfFault(measured, forget) == "dns_error 10");
  });
}

TEST_CASE("a portal's answer is named, over IPv4 and IPv6, though everything connects") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string host = GENERATE("mail4.example.org", "mail6.example.org");
  CAPTURE(host);
  NetworkLine line;
  line.OnLaptop([&] {
    ProbedService checked = line.Checked();
    checked.host = host;
    MeasuredLine measured(line, {checked, line.Mail("mail")}, Hasty());
    const auto check_in = [&] {
      line.web->Set("HTTP/1.1 302 Found\r\nLocation: http://portal.hotel.example/\r\n\r\n");
    };
    CHECK(CauseOfFault(measured, check_in) == "portal 10");
    CHECK(measured.Counted(metric::kProbeFailures, "check") == 1);
    // Somebody paid.
    line.web->Set(testing::kOwnPage);
    measured.SampleAfter(50'000);
    measured.SampleAfter(10'000);
    CHECK(measured.Causes() == "portal 60");
    CHECK(measured.Counted(metric::kOnlineSeconds) == 70);
  });
}

TEST_CASE("services that are down refuse, and the way to them is open") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string host = GENERATE("mail4", "mail6");
  CAPTURE(host);
  NetworkLine line;
  line.OnLaptop([&] {
    MeasuredLine measured(line, {line.Mail(host)}, Hasty());
    CHECK(CauseOfFault(measured, [&] { line.StopListening(); }) == "refused 10");
  });
}

TEST_CASE("a link that is taken down is no link, and nobody's fault") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  NetworkLine line;
  line.OnLaptop([&] {
    MeasuredLine measured(line, {line.Mail("mail")}, Hasty());
    measured.SampleAfter(60'000);
    line.SetLaptopLink(false);
    measured.SampleAfter(10'000);
    measured.SampleAfter(10'000);
    // When within the first ten seconds it went is not known.
    CHECK(measured.Counted(metric::kOnlineSeconds) == 10);
    CHECK(measured.Counted(metric::kNoLinkSeconds) == 10);
    CHECK(measured.Counted(metric::kOfflineSeconds) == 0);
    CHECK(measured.Causes().empty());
    CHECK(measured.Counted(metric::kProbes, "mail") == 1);
    REQUIRE(measured.recorder.events.size() == 1);
    CHECK_FALSE(measured.recorder.events[0].event.link_change().up());
  });
}

}  // namespace
}  // namespace candor
