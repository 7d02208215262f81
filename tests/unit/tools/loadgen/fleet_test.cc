#include "tools/loadgen/fleet.h"

#include <map>
#include <set>

#include "tests/support/catch.h"
#include "tools/loadgen/catalogue.h"
#include "tools/loadgen/laptop_day.h"

namespace candor::loadgen {
namespace {

FleetPlan TwentyLaptops() {
  FleetPlan plan;
  plan.seed = 7;
  plan.devices = 20;
  plan.days = 14;
  plan.end_day = 20'700;
  return plan;
}

TEST_CASE("twenty laptops meet every department, site, model, system and trouble") {
  const FleetPlan plan = TwentyLaptops();
  for (const uint32_t first : {0U, 20U, 140U}) {
    std::set<uint32_t> departments, sites, models, systems;
    uint32_t troubled = 0;
    for (uint32_t i = first; i < first + 20; ++i) {
      const DeviceProfile p = MakeProfile(plan, i);
      departments.insert(p.department);
      sites.insert(p.site);
      models.insert(p.model);
      systems.insert(p.system);
      troubled += p.troubled_version ? 1 : 0;
    }
    CHECK(departments.size() == Departments().size());
    CHECK(sites.size() == Sites().size());
    CHECK(models.size() == Models().size());
    CHECK(systems.size() == Systems().size());
    CHECK(troubled == kTroubledVersionSlots);
  }
}

TEST_CASE("in a large fleet no trouble is tied to another") {
  FleetPlan plan = TwentyLaptops();
  plan.devices = 400;
  std::map<std::string_view, std::set<std::string_view>> models_by_site;
  for (uint32_t i = 0; i < plan.devices; ++i) {
    const DeviceProfile p = MakeProfile(plan, i);
    models_by_site[Sites()[p.site].name].insert(Models()[p.model].name);
  }
  for (const auto& [site, models] : models_by_site) {
    INFO(site);
    CHECK(models.size() == Models().size());
  }
}

TEST_CASE("a laptop's profile follows from seed and index alone") {
  const FleetPlan plan = TwentyLaptops();
  const DeviceProfile once = MakeProfile(plan, 5);
  const DeviceProfile again = MakeProfile(plan, 5);
  CHECK(once.start_min == again.start_min);
  CHECK(once.disk_free_gib == again.disk_free_gib);
  FleetPlan other = plan;
  other.seed = 8;
  CHECK(MakeProfile(other, 5).disk_free_gib != once.disk_free_gib);
  CHECK(SpoolEpoch(plan, 5) != SpoolEpoch(plan, 6));
  CHECK(SpoolEpoch(plan, 5) != 0);
  other = plan;
  other.end_day -= 20;
  CHECK(SpoolEpoch(other, 5) != SpoolEpoch(plan, 5));
}

TEST_CASE("a laptop's minutes never overlap and end before the last day does in UTC") {
  const FleetPlan plan = TwentyLaptops();
  for (uint32_t i = 0; i < plan.devices; ++i) {
    const DeviceProfile profile = MakeProfile(plan, i);
    LaptopState state;
    LaptopDay day;
    int64_t last = 0;
    size_t worked = 0;
    for (int d = 0; d < static_cast<int>(plan.days); ++d) {
      PlayDay(plan, profile, d, state, day);
      worked += day.minutes.empty() ? 0 : 1;
      for (const MinuteWindows& m : day.minutes) {
        REQUIRE(m.minute.wall_min > last);
        last = m.minute.wall_min;
        REQUIRE(m.minute.boottime_s >= 0);
        REQUIRE((m.minute.wall_min + m.minute.utc_offset_min) / 1440 == plan.first_day() + d);
      }
    }
    CHECK(worked >= 6);
    CHECK(last < (plan.end_day + 1) * 1440);
  }
}

TEST_CASE("weekends are quiet") {
  FleetPlan plan = TwentyLaptops();
  plan.end_day = 20'598;  // Monday 2026-05-25 is day 20598
  LaptopDay day;
  size_t monday = 0, sunday = 0;
  for (uint32_t i = 0; i < 100; ++i) {
    LaptopState state;
    PlayDay(plan, MakeProfile(plan, i), static_cast<int>(plan.days) - 1, state, day);
    monday += day.minutes.empty() ? 0 : 1;
    PlayDay(plan, MakeProfile(plan, i), static_cast<int>(plan.days) - 2, state, day);
    sunday += day.minutes.empty() ? 0 : 1;
  }
  CHECK(monday > 85);
  CHECK(sunday < 15);
}

}  // namespace
}  // namespace candor::loadgen
