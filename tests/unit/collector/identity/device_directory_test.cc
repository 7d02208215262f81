#include "collector/identity/device_directory.h"

#include <atomic>
#include <thread>

#include "test_fleet.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TestFleet;

Identity DeviceNamed(const std::string& id) { return {Role::kAgent, id}; }

TEST_CASE("The directory is loaded from the store", "[directory]") {
  TestFleet fleet;
  const std::string token = fleet.Token(2);
  const auto first = fleet.Enroll(Laptop(token).request);
  const auto second = fleet.Enroll(Laptop(token).request);
  REQUIRE_OK(fleet.Execute("UPDATE device SET revoked_ms = 1 WHERE no = 2"));
  std::unique_ptr<DeviceDirectory> loaded;
  REQUIRE_OK(fleet.writer->Run([&](Database& db) -> absl::Status {
    loaded = *DeviceDirectory::Load(db);
    return absl::OkStatus();
  }));
  REQUIRE(loaded->active() == 1);
  REQUIRE(*loaded->Admit(DeviceNamed(first->device_id())) == 1);
  REQUIRE(absl::IsPermissionDenied(loaded->Admit(DeviceNamed(second->device_id())).status()));
  REQUIRE_OK(loaded->MaySend(1));
  REQUIRE(absl::IsPermissionDenied(loaded->MaySend(2)));
}

TEST_CASE("Each kind of stranger is told apart", "[directory]") {
  TestFleet fleet;
  const auto reply = fleet.Enroll(Laptop(fleet.Token()).request);
  DeviceDirectory& directory = *fleet.directory;
  REQUIRE_OK(directory.Admit(DeviceNamed(reply->device_id())));

  const absl::Status person = directory.Admit({Role::kItAdmin, "alice"}).status();
  REQUIRE(absl::IsPermissionDenied(person));
  REQUIRE(person.ToString().find("wrong role: ") != std::string::npos);
  const absl::Status unknown =
      directory.Admit(DeviceNamed("0f8fad5b-d9cb-469f-a165-70867728950e")).status();
  REQUIRE(absl::IsUnauthenticated(unknown));
  REQUIRE(unknown.ToString().find("not enrolled: ") != std::string::npos);
  directory.Revoke(reply->device_id());
  const absl::Status revoked = directory.Admit(DeviceNamed(reply->device_id())).status();
  REQUIRE(absl::IsPermissionDenied(revoked));
  REQUIRE(revoked.ToString().find("revoked: ") != std::string::npos);
}

TEST_CASE("A revocation reaches whoever is already admitted", "[directory]") {
  TestFleet fleet;
  const auto reply = fleet.Enroll(Laptop(fleet.Token()).request);
  const int64_t no = *fleet.directory->Admit(DeviceNamed(reply->device_id()));
  std::atomic<int> sent = 0;
  std::thread stream([&] {
    while (fleet.directory->MaySend(no).ok()) ++sent;
  });
  while (sent == 0) std::this_thread::yield();
  fleet.directory->Revoke(reply->device_id());
  stream.join();
  REQUIRE(fleet.directory->active() == 0);
}

}  // namespace
}  // namespace candor
