// A fleet in a temporary folder: initialised, opened, with its committer and its directory.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "collector/identity/administration.h"
#include "collector/identity/enroller.h"
#include "collector/identity/fleet.h"
#include "collector/store/store.h"
#include "collector/store/writer.h"
#include "common/random.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

// Waits for the one answer of a call that answers on another thread.
template <typename Reply>
class Answer {
 public:
  auto Done() {
    return [this](absl::StatusOr<Reply> reply) {
      const std::lock_guard lock(mutex_);
      reply_ = std::move(reply);
      ready_.notify_all();
    };
  }
  absl::StatusOr<Reply> Wait() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return reply_.has_value(); });
    return *reply_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<absl::StatusOr<Reply>> reply_;
};

class TestFleet {
 public:
  explicit TestFleet(int64_t now_ms = 1'790'000'000'000) : clock(now_ms) {
    REQUIRE_OK(InitFleet({folder.path() + "/data", {}}, clock, random));
    fleet.emplace(*LoadFleet(folder.path() + "/data", clock, random));
    store = *Store::Open(folder.path() + "/data");
    writer = std::make_unique<Writer>(store->write_connection());
    directory = *DeviceDirectory::Load(store->write_connection());
  }

  Administration::Parts AdministrationParts() { return {*writer, *directory, clock, random}; }
  EnrollerParts Parts() {
    return {fleet->authority, fleet->fleet_key, *writer, *directory, clock, random};
  }

  std::string Token(uint32_t uses = 1, uint64_t expires_s = 0) {
    v1::CreateTokenRequest request;
    request.set_uses(uses);
    request.set_expires_s(expires_s);
    Answer<v1::CreateTokenReply> answer;
    Administration(AdministrationParts()).CreateToken(admin, request, answer.Done());
    const auto reply = answer.Wait();
    REQUIRE_OK(reply);
    last_token_id = reply->info().id();
    return reply->token();
  }

  absl::StatusOr<v1::EnrollReply> Enroll(const v1::EnrollRequest& request) {
    Enroller enroller(Parts());
    Answer<v1::EnrollReply> answer;
    enroller.Enroll(request, "192.0.2.7", answer.Done());
    return answer.Wait();
  }

  absl::StatusOr<v1::EnrollReply> Renew(const v1::RenewRequest& request) {
    Enroller enroller(Parts());
    Answer<v1::EnrollReply> answer;
    enroller.Renew(request, "192.0.2.7", answer.Done());
    return answer.Wait();
  }

  int64_t Count(const std::string& table) {
    int64_t count = -1;
    REQUIRE_OK(writer->Run([&](Database& db) -> absl::Status {
      count = *db.QueryInt("SELECT count(*) FROM " + table);
      return absl::OkStatus();
    }));
    return count;
  }
  absl::Status Execute(const std::string& sql) {
    return writer->Run([&](Database& db) { return db.Execute(sql); });
  }

  const Identity admin{Role::kItAdmin, "admin"};
  TempFolder folder;
  ManualClock clock;
  SystemRandom random;
  std::optional<Fleet> fleet;
  std::unique_ptr<Store> store;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<DeviceDirectory> directory;
  std::string last_token_id;
};

// A laptop's own side of an enrolment.
struct Laptop {
  explicit Laptop(const std::string& token, const std::string& host = "laptop-1") {
    request.set_token(token);
    request.set_csr_der(*MakeCertificateRequest(key));
    request.set_host(host);
    request.set_agent_version("0.1.0");
    request.set_request_id(SystemRandom().Bytes(32));
  }
  v1::RenewRequest Renewal(const v1::EnrollReply& reply, const PrivateKey& next) const {
    v1::RenewRequest renewal;
    renewal.set_device_id(reply.device_id());
    renewal.set_csr_der(*MakeCertificateRequest(next));
    renewal.set_certificate_der(reply.certificate_der());
    renewal.set_proof(*key.Sign(renewal.csr_der()));
    return renewal;
  }

  PrivateKey key = *PrivateKey::Generate();
  v1::EnrollRequest request;
};

}  // namespace candor::testing
