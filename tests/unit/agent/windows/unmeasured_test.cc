#include "agent/windows/unmeasured.h"

#include <string>

#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/registry.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("the list is told at first even when it is empty") {
  UnmeasuredSet set;
  REQUIRE(set.Due(100));
  v1::Unmeasured told;
  set.Tell(100, told);
  REQUIRE(told.items_size() == 0);
  REQUIRE_FALSE(set.Due(100));
}

TEST_CASE("a repeated reason changes nothing, a new one makes the list due") {
  UnmeasuredSet set;
  set.Set(metric::kBatteryHealth, "", "no battery");
  v1::Unmeasured told;
  set.Tell(7, told);
  set.Set(metric::kBatteryHealth, "", "no battery");
  REQUIRE_FALSE(set.Due(7));
  set.Set(metric::kBatteryHealth, "", "the battery hides its design capacity");
  REQUIRE(set.Due(7));
  set.Tell(7, told);
  set.Unset(metric::kBatteryHealth, "");
  REQUIRE(set.Due(7));
  set.Tell(7, told);
  set.Unset(metric::kBatteryHealth, "");
  REQUIRE_FALSE(set.Due(7));
}

TEST_CASE("each local day hears the list again") {
  UnmeasuredSet set;
  v1::Unmeasured told;
  set.Tell(7, told);
  REQUIRE(set.Due(8));
}

TEST_CASE("metrics and event kinds are told apart") {
  UnmeasuredSet set;
  set.Set(metric::kUiReply, "firefox", "no session agent");
  set.Set(event::kHang, "", "no session agent");
  v1::Unmeasured told;
  set.Tell(0, told);
  REQUIRE(told.items_size() == 2);
  REQUIRE(told.items(0).event() == event::kHang);
  REQUIRE(told.items(0).metric() == 0);
  REQUIRE(told.items(1).metric() == metric::kUiReply);
  REQUIRE(told.items(1).subject() == "firefox");
  REQUIRE(told.items(1).reason() == "no session agent");
}

TEST_CASE("the fullest list still fits into one event") {
  UnmeasuredSet set;
  for (uint32_t i = 0; i < 1'000; ++i) {
    set.Set(metric::kRtt, std::to_string(i) + std::string(1'000, 's'), std::string(1'000, 'r'));
  }
  REQUIRE(set.items().size() == UnmeasuredSet::kItemsMax);
  v1::Event event;
  set.Tell(0, *event.mutable_unmeasured());
  REQUIRE(event.ByteSizeLong() < BatchLimits::kEventBytesMax);
}

}  // namespace
}  // namespace candor
