// Why a laptop is offline, over real sockets of loopback.
#include "common/registry.h"
#include "tests/support/http_answers.h"
#include "tests/unit/agent/samplers/network/network_laptop.h"

namespace candor {
namespace {

using testing::HttpAnswers;
using testing::Laptop;
using testing::Listener;
using testing::Service;
using Key = testing::RecordingRecorder::Key;

constexpr char kRoutes[] =
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "wwan0 00000000 00000000 0001 0 0 0 00000000 0 0 0\n";

ProbedService Checked(uint16_t port) {
  ProbedService service = Service("check", port);
  service.http_path = "/ok";
  service.http_expect = "candor-ok";
  return service;
}

// The only cause of ten seconds, after `round` made the latest round fail.
std::string CauseAfter(Laptop& laptop) {
  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 10);
  std::string cause;
  for (const auto& [key, seconds] : laptop.recorder.counted) {
    if (key.first != metric::kOfflineCauseSeconds) continue;
    CHECK(seconds == 10);
    cause += key.second;
  }
  return cause;
}

TEST_CASE("a service that refuses is down, with the way to it open") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  mail.Stop();
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(CauseAfter(laptop) == "refused");
}

TEST_CASE("a resolver that says there is no such name is told from one that says nothing") {
  Laptop laptop;
  Listener mail;
  laptop.Write("proc/net/route", kRoutes);
  const bool silent = GENERATE(true, false);
  if (silent) laptop.dns.Drop(1'000);
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(CauseAfter(laptop) == (silent ? "dns_silent" : "dns_error"));
}

TEST_CASE("where the service answers at its last address the resolvers alone are silent") {
  Laptop laptop;
  Listener mail;
  laptop.Write("proc/net/route", kRoutes);
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 0);
  laptop.dns.Drop(1'000);
  laptop.SampleAfter(60'000);
  // Nobody can use a service by an address that they do not get.
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 1);
  CHECK(CauseAfter(laptop) == "dns_silent");
}

TEST_CASE("without any route the laptop got no address") {
  Laptop laptop;
  laptop.dns.Drop(1'000);
  laptop.Start();
  laptop.SetServices({Service("mail", 443)});
  laptop.SampleAfter(0);
  CHECK(CauseAfter(laptop) == "no_route");
}

TEST_CASE("somebody else's answer is a portal, and no bare connect makes up for it") {
  Laptop laptop;
  const std::string answer =
      GENERATE("HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n",
               "HTTP/1.1 200 OK\r\n\r\n<h1>Welcome</h1>");
  HttpAnswers portal(answer);
  Listener mail;
  laptop.dns.Set("check.example.org", {"127.0.0.1"});
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Checked(portal.port()), Service("mail", mail.port())});
  laptop.SampleAfter(0);
  CHECK(laptop.Counted(metric::kProbeFailures, "check") == 1);
  CHECK(laptop.Counted(metric::kProbeFailures, "mail") == 0);
  CHECK(laptop.Reason(metric::kRtt, "check").find("somebody else answers") != std::string::npos);
  CHECK(CauseAfter(laptop) == "portal");
}

TEST_CASE("the service's own answer, or its failure, is no portal") {
  Laptop laptop;
  HttpAnswers web(GENERATE("HTTP/1.1 200 OK\r\n\r\ncandor-ok\n", "HTTP/1.1 502 Bad\r\n\r\n"));
  laptop.dns.Set("check.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Checked(web.port())});
  laptop.SampleAfter(0);
  laptop.SampleAfter(10'000);
  CHECK(web.asked() == 1);
  CHECK(laptop.Counted(metric::kProbeFailures, "check") == 0);
  CHECK(laptop.Counted(metric::kOnlineSeconds) == 10);
}

TEST_CASE("an answer that nobody described is not asked for") {
  Laptop laptop;
  HttpAnswers web("HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n");
  laptop.dns.Set("check.example.org", {"127.0.0.1"});
  laptop.Start();
  ProbedService plain = Checked(web.port());
  plain.http_expect.clear();
  laptop.SetServices({plain});
  laptop.SampleAfter(0);
  laptop.SampleAfter(10'000);
  CHECK(web.asked() == 0);
  CHECK(laptop.Counted(metric::kOnlineSeconds) == 10);
}

TEST_CASE("causes add up to the time offline, and online there is none") {
  Laptop laptop;
  Listener mail;
  laptop.Write("proc/net/route", kRoutes);
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Start();
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  laptop.SampleAfter(10'700);
  CHECK(laptop.recorder.counted.lower_bound(Key{metric::kOfflineCauseSeconds, ""})->first.first !=
        metric::kOfflineCauseSeconds);
  mail.Stop();
  laptop.SampleAfter(49'600);
  laptop.dns.Drop(1'000);
  laptop.SampleAfter(60'900);
  laptop.SampleAfter(10'300);
  const int64_t refused = laptop.Counted(metric::kOfflineCauseSeconds, "refused");
  const int64_t silent = laptop.Counted(metric::kOfflineCauseSeconds, "dns_silent");
  CHECK(refused == 60);
  CHECK(silent == 11);  // 60.9 s and 10.3 s are 71 whole ones
  CHECK(refused + silent == laptop.Counted(metric::kOfflineSeconds));
}

}  // namespace
}  // namespace candor
