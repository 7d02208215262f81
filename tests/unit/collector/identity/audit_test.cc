#include "collector/identity/audit.h"

#include "test_fleet.h"

namespace candor {
namespace {

using testing::TestFleet;

absl::Status Append(TestFleet& fleet, const std::string& reason) {
  return fleet.writer->Run([&](Database& db) {
    return AppendAudit(db, {fleet.clock.WallMs(), "it-admin:a", "device revoke", "id", reason});
  });
}

absl::Status Verify(TestFleet& fleet) {
  return fleet.writer->Run([](Database& db) { return VerifyAudit(db); });
}

TEST_CASE("An untouched audit is sound", "[audit]") {
  TestFleet fleet;
  for (int i = 0; i < 5; ++i) REQUIRE_OK(Append(fleet, "lost"));
  REQUIRE(fleet.Count("audit") == 6);
  REQUIRE_OK(Verify(fleet));
}

TEST_CASE("A tampered audit is found, at the row", "[audit]") {
  TestFleet fleet;
  for (int i = 0; i < 5; ++i) REQUIRE_OK(Append(fleet, "lost"));
  std::string sql;
  std::string expected = "audit row 3 was changed";
  SECTION("a field") {
    sql = GENERATE("UPDATE audit SET reason = 'stolen' WHERE id = 3",
                   "UPDATE audit SET actor = 'it-admin:b' WHERE id = 3",
                   "UPDATE audit SET action = 'nothing' WHERE id = 3",
                   "UPDATE audit SET subject = 'x' WHERE id = 3",
                   "UPDATE audit SET wall_ms = wall_ms + 1 WHERE id = 3",
                   "UPDATE audit SET hash = zeroblob(32) WHERE id = 3",
                   "UPDATE audit SET previous = zeroblob(32) WHERE id = 3",
                   "UPDATE audit SET actor = 'it-admin:adevice revoke', action = '' WHERE id = 3");
  }
  SECTION("a row taken out") {
    sql = "DELETE FROM audit WHERE id = 3";
    expected = "audit row 3 is missing";
  }
  SECTION("rows renumbered over a hole") {
    sql = "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3";
  }
  INFO(sql);
  REQUIRE_OK(fleet.Execute(sql));
  const absl::Status status = Verify(fleet);
  REQUIRE(absl::IsDataLoss(status));
  REQUIRE(status.ToString().find(expected) != std::string::npos);
}

TEST_CASE("A reason has its limit, between characters", "[audit]") {
  TestFleet fleet;
  REQUIRE_OK(Append(fleet, std::string(kAuditTextMax - 1, 'a') + "ü and more"));
  REQUIRE_OK(fleet.writer->Run([](Database& db) -> absl::Status {
    const auto reason = db.QueryText("SELECT reason FROM audit WHERE id = 2");
    REQUIRE(*reason == std::string(kAuditTextMax - 1, 'a'));
    return VerifyAudit(db);
  }));
}

}  // namespace
}  // namespace candor
