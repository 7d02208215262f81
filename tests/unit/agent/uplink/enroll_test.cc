#include "agent/uplink/enroll.h"

#include "agent/uplink/enrollment_client.h"
#include "common/files.h"
#include "common/time_units.h"
#include "tests/unit/agent/uplink/uplink_fixture.h"

namespace candor {
namespace {

using testing::TestCollector;

struct Laptop {
  explicit Laptop(TestCollector& collector, uint32_t uses = 1) {
    options.enrollment = collector.enroll_address();
    options.ca_fingerprint = collector.fingerprint();
    options.host = "laptop-1";
    options.state = folder.File("state");
    options.timeout_ms = 10'000;
    options.token = collector.fleet.Token(uses);
  }
  absl::StatusOr<DeviceIdentity> Enroll() { return candor::Enroll(options, clock, random); }
  IdentityFiles Files() const { return IdentityFiles(options.state); }

  testing::TempFolder folder;
  SystemClock clock;
  SystemRandom random;
  EnrollOptions options;
};

bool Says(const absl::Status& status, std::string_view text) {
  INFO(status);
  return status.ToString().find(text) != std::string::npos;
}

TEST_CASE("A laptop enrols and keeps what it was given", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  laptop.options.labels = {"department=Sales", "location=Zürich"};
  const auto identity = laptop.Enroll();
  REQUIRE_OK(identity);
  const auto kept = laptop.Files().Load();
  REQUIRE_OK(kept);
  REQUIRE(kept->device_id == identity->device_id);
  REQUIRE(kept->credential.collector == collector.fleet_address());
  REQUIRE(kept->enrollment == collector.enroll_address());
  REQUIRE(kept->device_key == DeviceKey(collector.fleet.fleet->fleet_key, kept->device_id));
  REQUIRE_FALSE(laptop.Files().LoadPending()->has_value());
  REQUIRE(collector.fleet.Count("device_label") == 2);
}

TEST_CASE("An authority with another fingerprint is not believed", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  laptop.options.ca_fingerprint = std::string(64, 'a');
  const absl::Status status = laptop.Enroll().status();
  REQUIRE(absl::IsUnauthenticated(status));
  REQUIRE(Says(status, collector.fingerprint()));
  // Not even the token was sent.
  REQUIRE(collector.fleet.Count("token WHERE uses_left = 1") == 1);
}

TEST_CASE("A name the server does not answer to is refused, with those it does", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  laptop.options.enrollment = collector.misnamed_enroll_address();
  const absl::Status status = laptop.Enroll().status();
  REQUIRE_FALSE(status.ok());
  REQUIRE(Says(status, "the certificate is for"));
  REQUIRE(Says(status, "not for 127.0.0.2"));
}

TEST_CASE("Mistakes in what was asked are named before anything is sent", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  std::string expected;
  SECTION("address") { laptop.options.enrollment = "collector", expected = "--collector"; }
  SECTION("fingerprint") { laptop.options.ca_fingerprint = "12", expected = "--ca-fingerprint"; }
  SECTION("label") { laptop.options.labels = {"Sales"}, expected = "key=value"; }
  SECTION("label twice") { laptop.options.labels = {"a=1", "a=2"}, expected = "twice"; }
  SECTION("host") { laptop.options.host = "a b", expected = "--host"; }
  REQUIRE(Says(laptop.Enroll().status(), expected));
  REQUIRE(collector.fleet.Count("token WHERE uses_left = 1") == 1);
}

TEST_CASE("A refused laptop can come again with a good token", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  laptop.options.token = "cnd_guess";
  const absl::Status status = laptop.Enroll().status();
  REQUIRE(absl::IsPermissionDenied(status));
  REQUIRE(Says(status, "enrolment refused"));
  REQUIRE(Says(status, "token"));
  REQUIRE(absl::IsNotFound(laptop.Files().Load().status()));
  laptop.options.token = collector.fleet.Token();
  REQUIRE_OK(laptop.Enroll());
  REQUIRE(collector.fleet.Count("device") == 1);
}

TEST_CASE("Who is enrolled is not enrolled again unless asked to", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector, 2);
  const auto first = laptop.Enroll();
  const absl::Status again = laptop.Enroll().status();
  REQUIRE(absl::IsAlreadyExists(again));
  REQUIRE(Says(again, first->device_id));
  REQUIRE(Says(again, "--again"));
  laptop.options.again = true;
  const auto second = laptop.Enroll();
  REQUIRE_OK(second);
  REQUIRE(second->device_id != first->device_id);
  REQUIRE(laptop.Files().Load()->device_id == second->device_id);
}

TEST_CASE("An answer lost on the way is asked for again, not a second device", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  const auto first = laptop.Enroll();
  REQUIRE_OK(first);
  // As if the laptop had died after the collector agreed: the request is there, the identity not.
  REQUIRE_OK(laptop.Files().SavePending({laptop.options.enrollment, collector.fingerprint(),
                                         first->request_id, first->credential.key_pem}));
  REQUIRE(unlink(laptop.Files().path().c_str()) == 0);
  const auto second = laptop.Enroll();
  REQUIRE_OK(second);
  REQUIRE(second->device_id == first->device_id);
  REQUIRE(collector.fleet.Count("device") == 1);
}

TEST_CASE("A request that became the identity does not come back with --again", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector, 2);
  const auto first = laptop.Enroll();
  // As if the laptop had died between keeping the identity and forgetting the request.
  REQUIRE_OK(laptop.Files().SavePending({laptop.options.enrollment, collector.fingerprint(),
                                         first->request_id, first->credential.key_pem}));
  laptop.options.again = true;
  const auto second = laptop.Enroll();
  REQUIRE_OK(second);
  REQUIRE(second->device_id != first->device_id);
}

TEST_CASE("Nobody there is unreachable, by name", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  laptop.options.enrollment = "127.0.0.1:1";
  const absl::Status status = laptop.Enroll().status();
  REQUIRE(absl::IsUnavailable(status));
  REQUIRE(Says(status, "127.0.0.1:1"));
}

TEST_CASE("Who asks the fleet's listener to enrol is told of the other", "[uplink]") {
  TestCollector collector;
  Laptop laptop(collector);
  laptop.options.enrollment = collector.fleet_address();
  const absl::Status status = laptop.Enroll().status();
  REQUIRE(absl::IsUnavailable(status));
  REQUIRE(Says(status, collector.fleet_address() + ": closes the connection"));
  REQUIRE(Says(status, "is it the fleet listener?"));
}

TEST_CASE("A renewal keeps the device and changes the key", "[uplink]") {
  const int64_t age_ms = 25 * kMsPerDay;
  TestCollector collector(age_ms);
  testing::TempFolder folder;
  const DeviceIdentity old = collector.EnrollInto(folder.path());
  collector.fleet.clock.Advance(age_ms);
  const auto renewed = RequestRenewal(old, SystemClock(), 10'000);
  REQUIRE_OK(renewed);
  REQUIRE(renewed->device_id == old.device_id);
  REQUIRE(renewed->credential.key_pem != old.credential.key_pem);
  REQUIRE(renewed->device_key == old.device_key);
}

}  // namespace
}  // namespace candor
