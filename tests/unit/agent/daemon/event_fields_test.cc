#include "agent/daemon/event_fields.h"

#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("an event is told with every field that is set") {
  v1::Event event;
  v1::Crash& crash = *event.mutable_crash();
  crash.set_program("firefox");
  crash.set_owned(true);
  crash.set_signal(11);
  crash.set_stack_signature(std::string("\x01\xff", 2));
  REQUIRE(EventFields(event) == "program=firefox, owned=yes, signal=11, stack_signature=01ff");
}

TEST_CASE("lists, nested messages, names of states and numbers are text") {
  v1::Event boot;
  boot.mutable_boot_done()->set_total_us(5'000'000);
  boot.mutable_boot_done()->add_slowest()->set_unit("a.service");
  boot.mutable_boot_done()->add_slowest()->set_unit("b.service");
  REQUIRE(EventFields(boot) == "total_us=5000000, slowest={unit=a.service} {unit=b.service}");
  v1::Event failure;
  failure.mutable_system_failure()->set_kind(v1::SystemFailure::PANIC);
  REQUIRE(EventFields(failure) == "kind=PANIC");
}

TEST_CASE("what is unmeasured is told by name") {
  v1::Event told;
  v1::Unmeasured::Item& rtt = *told.mutable_unmeasured()->add_items();
  rtt.set_metric(metric::kRtt);
  rtt.set_reason("no service is configured");
  v1::Unmeasured::Item& crash = *told.mutable_unmeasured()->add_items();
  crash.set_event(candor::event::kCrash);
  crash.set_reason("no journal");
  REQUIRE(
      EventFields(told) ==
      "items={metric=rtt_ms, reason=no service is configured} {event=crash, reason=no journal}");
}

TEST_CASE("an event of no kind says nothing") { REQUIRE(EventFields(v1::Event()).empty()); }

}  // namespace
}  // namespace candor
