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
  REQUIRE(set.Due(100, 0));
  v1::Unmeasured told;
  set.Tell(100, 0, told);
  REQUIRE(told.items_size() == 0);
  REQUIRE_FALSE(set.Due(100, 0));
}

TEST_CASE("a repeated reason changes nothing, a new item and one that went make the list due") {
  UnmeasuredSet set;
  set.Set(metric::kBatteryHealth, "", "no battery");
  v1::Unmeasured told;
  set.Tell(7, 0, told);
  set.Set(metric::kBatteryHealth, "", "no battery");
  REQUIRE_FALSE(set.Due(7, 0));
  set.Unset(metric::kBatteryHealth, "");
  REQUIRE(set.Due(7, 0));
  set.Tell(7, 0, told);
  set.Unset(metric::kBatteryHealth, "");
  REQUIRE_FALSE(set.Due(7, 0));
  set.Set(metric::kBatteryHealth, "", "no battery");
  REQUIRE(set.Due(7, 0));
}

TEST_CASE(
    "reasons that change with each attempt send the list only now and then, and the last one") {
  UnmeasuredSet set;
  set.Set(metric::kRtt, "mail", "timed out");
  v1::Unmeasured told;
  set.Tell(7, 1'000, told);
  set.Set(metric::kRtt, "mail", "refused");
  REQUIRE_FALSE(set.Due(7, 2'000));
  REQUIRE_FALSE(set.Due(7, 1'000 + UnmeasuredSet::kReasonsEveryMs - 1));
  set.Set(metric::kRtt, "mail", "no route");
  REQUIRE(set.Due(7, 1'000 + UnmeasuredSet::kReasonsEveryMs));
  told.Clear();
  set.Tell(7, 1'000 + UnmeasuredSet::kReasonsEveryMs, told);
  REQUIRE(told.items(0).reason() == "no route");
  REQUIRE_FALSE(set.Due(7, 1'000 + 3 * UnmeasuredSet::kReasonsEveryMs));
}

TEST_CASE("each local day hears the list again") {
  UnmeasuredSet set;
  v1::Unmeasured told;
  set.Tell(7, 0, told);
  REQUIRE(set.Due(8, 0));
}

TEST_CASE("metrics and event kinds are told apart") {
  UnmeasuredSet set;
  set.Set(metric::kUiReply, "firefox", "no session agent");
  set.Set(event::kHang, "", "no session agent");
  v1::Unmeasured told;
  set.Tell(0, 0, told);
  REQUIRE(told.items_size() == 2);
  REQUIRE(told.items(0).event() == event::kHang);
  REQUIRE(told.items(0).metric() == 0);
  REQUIRE(told.items(1).metric() == metric::kUiReply);
  REQUIRE(told.items(1).subject() == "firefox");
  REQUIRE(told.items(1).reason() == "no session agent");
}

TEST_CASE("two hundred items are told in full, with reasons as long as they may be") {
  UnmeasuredSet set;
  for (int i = 0; i < 200; ++i) {
    set.Set(metric::kRtt, "a service of this name " + std::to_string(i), std::string(1'000, 'r'));
  }
  v1::Event event;
  set.Tell(0, 0, *event.mutable_unmeasured());
  REQUIRE(event.unmeasured().items_size() == 200);
  REQUIRE(event.ByteSizeLong() < BatchLimits::kEventBytesMax);
}

TEST_CASE("the fullest list still fits into one event, and says how much it leaves out") {
  UnmeasuredSet set;
  // What finds no place is set again with every tick, and is no more for that.
  for (int tick = 0; tick < 3; ++tick) {
    for (uint32_t i = 0; i < 1'000; ++i) {
      set.Set(metric::kRtt, std::to_string(i) + std::string(1'000, 's'), std::string(1'000, 'r'));
    }
  }
  REQUIRE(set.items().size() == UnmeasuredSet::kItemsMax);
  v1::Event event;
  set.Tell(0, 0, *event.mutable_unmeasured());
  REQUIRE(event.ByteSizeLong() < BatchLimits::kEventBytesMax);
  const v1::Unmeasured& told = event.unmeasured();
  REQUIRE(told.items_size() > 100);
  const auto& last = *told.items().rbegin();
  const size_t unlisted = UnmeasuredSet::kItemsMax + 2 - static_cast<size_t>(told.items_size());
  REQUIRE(last.event() == event::kUnmeasured);
  REQUIRE(last.reason() == "at least " + std::to_string(unlisted) + " more are not listed");
}

}  // namespace
}  // namespace candor
