#include "agent/samplers/network/network.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/registry.h"
#include "tests/unit/agent/samplers/network/network_laptop.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::Listener;
using testing::Service;
using Key = testing::RecordingRecorder::Key;

TEST_CASE("every metric of the family is in the registry under it") {
  for (const uint32_t number : kNetworkMetrics) {
    REQUIRE(FindMetric(number) != nullptr);
    CHECK(FindMetric(number)->family == "network");
  }
  for (const MetricEntry& entry : Metrics()) {
    const bool listed = std::find(kNetworkMetrics.begin(), kNetworkMetrics.end(), entry.number) !=
                        kNetworkMetrics.end();
    CHECK(listed == (entry.family == "network"));
  }
}

TEST_CASE("a service's name is timed and its connection counts for reachability") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.dns.SetDelayMs(20);
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  const auto& dns = laptop.recorder.recorded[{metric::kDns, "mail"}];
  REQUIRE(dns.size() == 1);
  CHECK(dns[0] >= 20'000);  // µs
  CHECK(laptop.Counted(metric::kProbes, "mail") == 1);
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 0);

  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kOnlineSeconds) == 10);
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 0);
  CHECK(laptop.recorder.watched[std::string(watch::kProbes)] == 10'000);
}

TEST_CASE("a service on loopback is reachable and has no round trip") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(laptop.recorder.recorded.count(Key{metric::kRtt, "mail"}) == 0);
  CHECK(laptop.Reason(metric::kRtt, "mail") == "service is on loopback");
}

TEST_CASE("services are probed once a minute in use and every five minutes else") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  for (int tick = 1; tick <= 12; ++tick) laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kProbes, "mail") == 3);
  for (int tick = 1; tick <= 10; ++tick) laptop.SampleAfter(60'000, false);
  CHECK(laptop.Counted(metric::kProbes, "mail") == 5);
}

TEST_CASE("while no service answers and a link is up, the time is offline") {
  Laptop laptop;
  Listener mail, chat;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.dns.Set("chat.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port()), Service("chat", chat.port())});
  laptop.SampleAfter(0);
  chat.Stop();
  laptop.SampleAfter(60'000);
  CHECK(laptop.Counted(metric::kProbeFailures, "chat") == 1);
  laptop.SampleAfter(10'000);
  // One of two is enough to be online.
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 0);
  mail.Stop();
  laptop.SampleAfter(50'000);
  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 10);
  CHECK(laptop.Counted(metric::kOnlineSeconds) == 120);
}

TEST_CASE("a round that a new configuration overtakes says nothing about being offline") {
  Laptop laptop;
  Listener mail, chat;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.dns.Set("chat.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  laptop.dns.SetDelayMs(100);
  laptop.SetServicesMeanwhile({Service("chat", chat.port())});
  laptop.SampleAfter(60'000);
  REQUIRE(laptop.Counted(metric::kProbes, "mail") == 1);
  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 0);
  CHECK(laptop.Counted(metric::kOnlineSeconds) == 70);
  CHECK(laptop.Counted(metric::kProbes, "chat") == 1);
}

TEST_CASE("without a link nothing failed: the time is shown apart and no probe is counted") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  mail.Stop();
  laptop.SetLink(false);
  laptop.SampleAfter(10'000);  // the lost link brings a new round
  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kNoLinkSeconds) == 10);
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 0);
  CHECK(laptop.Counted(metric::kProbes, "mail") == 1);
  REQUIRE(laptop.recorder.events.size() == 1);
  const v1::LinkChange& change = laptop.recorder.events[0].event.link_change();
  CHECK_FALSE(change.up());
  CHECK(change.medium() == "wired");
}

TEST_CASE("a link that comes up brings a round of probes at once") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.SetLink(false);
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  laptop.SetLink(true);
  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kProbes, "mail") == 2);
}

TEST_CASE("what was never measured has a reason, what failed just now does not lose its value") {
  Laptop laptop;
  Listener mail;
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(laptop.Reason(metric::kDns, "mail") ==
        "the name could not be resolved: Domain name not found");
  CHECK(laptop.Reason(metric::kRtt, "mail").starts_with("the service could not be reached: "));
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 1);

  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.SampleAfter(60'000);
  CHECK(laptop.Reason(metric::kDns, "mail").empty());
  CHECK(laptop.recorder.recorded[{metric::kDns, "mail"}].size() == 1);
}

TEST_CASE("names that no resolver is asked for are not timed, with the reason") {
  Laptop laptop;
  Listener mail;
  laptop.Write("etc/hosts", "127.0.0.1 localhost intranet\n");
  laptop.Start();
  laptop.SetServices(
      {{.name = "intranet", .host = "intranet", .port = mail.port(), .http_path = ""},
       {.name = "address", .host = "127.0.0.1", .port = mail.port(), .http_path = ""}});
  laptop.SampleAfter(0);
  CHECK(laptop.dns.questions() == 0);
  CHECK(laptop.Reason(metric::kDns, "intranet") == "the service's name is in the hosts file");
  CHECK(laptop.Reason(metric::kDns, "address") ==
        "the service is configured by address, not by name");
  CHECK(laptop.Counted(metric::kProbeFailures, "intranet") == 0);
  CHECK(laptop.Counted(metric::kProbeFailures, "address") == 0);
}

TEST_CASE("an unreachable first address falls back to the other family") {
  Laptop laptop;
  Listener mail;
  // Nothing listens on the IPv6 side.
  laptop.dns.Set("mail.example.org", {"::1", "127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(laptop.Counted(metric::kProbes, "mail") == 1);
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 0);
}

TEST_CASE("a resolver on loopback alone is not timed and still serves reachability") {
  Laptop laptop;
  laptop.Write("etc/resolv.conf", "nameserver 127.0.0.254\n");
  laptop.StartWithSystemResolvers();
  laptop.SetServices({Service("mail", 443)});
  laptop.SampleAfter(0);
  CHECK(laptop.recorder.recorded.count(Key{metric::kDns, "mail"}) == 0);
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 1);
}

TEST_CASE("without services everything about them is unmeasured, not zero") {
  Laptop laptop;
  laptop.Start();
  laptop.SampleAfter(0);
  laptop.SampleAfter(60'000);
  for (const uint32_t what : {metric::kRtt, metric::kDns, metric::kProbes, metric::kOfflineSeconds,
                              metric::kOnlineSeconds}) {
    CHECK(laptop.Reason(what) == "no service is configured");
  }
  CHECK(laptop.recorder.counted.count(Key{metric::kOfflineSeconds, ""}) == 0);
  CHECK(laptop.recorder.watched.count(std::string(watch::kProbes)) == 0);

  Listener mail;
  laptop.SetServices({Service("mail", mail.port())});
  CHECK(laptop.recorder.unmeasured.count(Key{metric::kRtt, ""}) == 0);
  laptop.SetServices({});
  CHECK(laptop.Reason(metric::kRtt) == "no service is configured");
}

TEST_CASE("what a service does not ask for is said of the service") {
  Laptop laptop;
  laptop.Start();
  laptop.SetServices({{.name = "files", .host = "f", .port = 445, .tls = false, .http_path = ""},
                      {.name = "web", .host = "w", .tls = true, .http_path = "/", .icmp = true}});
  CHECK(laptop.Reason(metric::kTls, "files") == "the service is probed without TLS");
  CHECK(laptop.Reason(metric::kFirstByte, "files").find("no HTTP path") == 0);
  CHECK(laptop.Reason(metric::kTls, "web").empty());
  CHECK(laptop.Reason(metric::kFirstByte, "web").empty());
  CHECK(laptop.Reason(metric::kServicePing).empty());
  laptop.SetServices({{.name = "files", .host = "f", .port = 445, .tls = true, .http_path = ""}});
  CHECK(laptop.Reason(metric::kTls, "files").empty());
  CHECK(laptop.Reason(metric::kServicePing) == "no service asks for ICMP");
}

TEST_CASE("more services than the limit are not probed") {
  Laptop laptop;
  Listener mail;
  laptop.Write("etc/hosts", "127.0.0.1 one\n");
  laptop.Start();
  std::vector<ProbedService> many;
  for (size_t i = 0; i < kServicesMax + 5; ++i) {
    many.push_back(
        {.name = std::to_string(i), .host = "one", .port = mail.port(), .http_path = ""});
  }
  laptop.SetServices(many);
  laptop.SampleAfter(0);
  CHECK(laptop.Counted(metric::kProbes, std::to_string(kServicesMax - 1)) == 1);
  CHECK(laptop.Counted(metric::kProbes, std::to_string(kServicesMax)) == 0);
}

TEST_CASE("the gateway's round trip is measured or has a reason") {
  Laptop laptop;
  laptop.Start();
  laptop.SampleAfter(0);
  CHECK(laptop.Reason(metric::kGatewayRtt) == "there is no default gateway");
  laptop.Write("proc/net/route",
               "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
               "lo 00000000 0100007F 0003 0 0 0 00000000 0 0 0\n");
  laptop.SampleAfter(60'000);
  const bool measured = laptop.recorder.recorded.count(Key{metric::kGatewayRtt, ""}) == 1;
  CHECK(measured == laptop.Reason(metric::kGatewayRtt).empty());
  CHECK(laptop.Reason(metric::kGatewayRtt) != "there is no default gateway");
}

TEST_CASE("one echo that is lost makes no metric unmeasured, three in a row do") {
  Laptop laptop;
  const std::string heading =
      "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";
  const std::string answers = heading + "lo 00000000 0100007F 0003 0 0 0 00000000 0 0 0\n";
  // TEST-NET-1: nobody is there.
  const std::string silent = heading + "lo 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n";
  laptop.Write("proc/net/route", answers);
  laptop.Start();
  laptop.SampleAfter(0);
  if (!laptop.Reason(metric::kGatewayRtt).empty()) return;  // ICMP is not allowed here
  laptop.Write("proc/net/route", silent);
  laptop.SampleAfter(60'000);
  laptop.SampleAfter(60'000);
  CHECK(laptop.Reason(metric::kGatewayRtt).empty());
  laptop.SampleAfter(60'000);
  CHECK(laptop.Reason(metric::kGatewayRtt).starts_with("the default gateway does not answer"));
  laptop.Write("proc/net/route", answers);
  laptop.SampleAfter(60'000);
  CHECK(laptop.Reason(metric::kGatewayRtt).empty());
}

TEST_CASE("connections are read at the first two ticks and then once a minute") {
  Laptop laptop;
  laptop.Start();
  laptop.SampleAfter(0);
  if (!laptop.Reason(metric::kSegmentsSent).empty()) return;  // this kernel has no inet_diag
  laptop.SampleAfter(10'000);
  CHECK(laptop.recorder.watched[std::string(watch::kTcp)] == 10'000);
  laptop.SampleAfter(10'000);
  CHECK(laptop.recorder.watched[std::string(watch::kTcp)] == 10'000);
  laptop.SampleAfter(50'000);
  CHECK(laptop.recorder.watched[std::string(watch::kTcp)] == 70'000);
}

TEST_CASE("connections of the machine with itself are nobody's loss") {
  Laptop laptop;
  laptop.Start();
  laptop.SampleAfter(0);
  Listener here;
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(here.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  for (int i = 0; i < 1'000; ++i) REQUIRE(send(client, "x", 1, MSG_NOSIGNAL) == 1);
  laptop.SampleAfter(60'000);
  close(client);
  if (laptop.Reason(metric::kSegmentsSent).empty()) {
    // Other programs of this machine may send meanwhile, but hardly a thousand segments.
    CHECK(laptop.Counted(metric::kSegmentsSent) < 1'000);
    CHECK(laptop.recorder.watched[std::string(watch::kTcp)] == 60'000);
  } else {
    CHECK(laptop.recorder.watched.count(std::string(watch::kTcp)) == 0);
  }
}

}  // namespace
}  // namespace candor
