// Ingest over real TLS on loopback: a collector as far as ingest is concerned, with certificates of
// a real fleet, and a push to it, step by step.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "candor/v1/ingest.grpc.pb.h"
#include "collector/identity/device_directory.h"
#include "collector/identity/fleet.h"
#include "collector/identity/grpc_credentials.h"
#include "collector/identity/peer.h"
#include "collector/identity/roles.h"
#include "collector/ingest/service.h"
#include "collector/server/grpc_listener.h"
#include "collector/store/store.h"
#include "common/rpc/channel.h"
#include "common/version.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor::testing {

inline constexpr char kDevice[] = "11111111-2222-4333-8444-555555555555";
inline constexpr char kOther[] = "11111111-2222-4333-8444-666666666666";

// A collector as far as ingest is concerned. Its folder survives Restart.
class Collector {
 public:
  Collector() {
    const absl::StatusOr<InitResult> init =
        InitFleet({folder_.File("data"), {"localhost"}}, SystemClock(), random_);
    REQUIRE_OK(init);
    absl::StatusOr<Fleet> fleet = LoadFleet(folder_.File("data"), SystemClock(), random_);
    REQUIRE_OK(fleet);
    fleet_ = std::make_unique<Fleet>(*std::move(fleet));
    Start();
    AddDevice(1, kDevice);
    AddDevice(2, kOther);
  }
  ~Collector() { Stop(); }

  void Start() {
    auto store = Store::Open(folder_.File("data"));
    REQUIRE_OK(store);
    store_ = *std::move(store);
    auto directory = DeviceDirectory::Load(store_->write_connection());
    REQUIRE_OK(directory);
    directory_ = *std::move(directory);
    writer_ = std::make_unique<Writer>(store_->write_connection());
    queue_ = std::make_unique<IngestQueue>(*writer_, stats, nullptr);
    service_ =
        MakeIngestService({*queue_, stats, configurations, clock, random_, Access(), limits});
    auto listener = GrpcListener::Start(
        {"127.0.0.1:0", FleetServerCredentials(*fleet_), {service_.get()}, kIngestMessageBytesMax});
    REQUIRE_OK(listener);
    listener_ = *std::move(listener);
  }
  void Stop() {
    if (listener_ != nullptr) listener_->Shutdown(0);
    listener_.reset();
    queue_.reset();
    service_.reset();
    writer_.reset();
    directory_.reset();
    store_.reset();
  }
  void Restart() {
    Stop();
    Start();
  }

  std::shared_ptr<grpc::Channel> Channel(const Identity& identity) {
    auto key = PrivateKey::Generate();
    REQUIRE_OK(key);
    auto der = MakeCertificateRequest(*key);
    REQUIRE_OK(der);
    auto request = CertificateRequest::FromDer(*der);
    REQUIRE_OK(request);
    auto certificate =
        fleet_->authority.IssueClient(*request, identity, SystemClock().WallMs(), random_);
    REQUIRE_OK(certificate);
    Credential credential;
    credential.ca_pem = fleet_->ca_pem;
    credential.certificate_pem = certificate->Pem();
    credential.key_pem = key->Pem();
    return FleetChannel("127.0.0.1:" + std::to_string(listener_->port()), credential);
  }
  std::shared_ptr<grpc::Channel> Channel(const char* device = kDevice) {
    return Channel(Identity{Role::kAgent, device});
  }

  void Revoke(const char* device) { directory_->Revoke(device); }
  int64_t Rows(const std::string& table) {
    return *store_->OpenReader()->QueryInt("SELECT count(*) FROM " + table);
  }
  int64_t Query(const std::string& sql) { return *store_->OpenReader()->QueryInt(sql); }
  Writer& writer() { return *writer_; }

  IngestStats stats;
  ManualClock clock;
  v1::Configuration told = Told();
  Configurations configurations{told};
  IngestLimits limits;

 private:
  static v1::Configuration Told() {
    v1::Configuration configuration;
    configuration.set_push_active_s(300);
    return configuration;
  }
  void AddDevice(int64_t no, const std::string& id) {
    REQUIRE_OK(writer_->Run([&](Database& db) {
      return db.Execute(
          "INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
          "certificate_not_after_ms) VALUES (" +
          std::to_string(no) + ", '" + id + "', 'host', 0, '00', 0)");
    }));
    directory_->Add(id, no);
  }
  IngestAccess Access() {
    IngestAccess access;
    access.admit = [this](const grpc::ServerContextBase& context) -> absl::StatusOr<int64_t> {
      auto identity = AuthorizePeer(context, rpc::kIngestStream);
      if (!identity.ok()) return identity.status();
      return directory_->Admit(*identity);
    };
    access.may_send = [this](int64_t no) { return directory_->MaySend(no); };
    access.devices = [this] { return directory_->active(); };
    return access;
  }

  TempFolder folder_;
  SystemRandom random_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<DeviceDirectory> directory_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<IngestQueue> queue_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<GrpcListener> listener_;
};

// One push, step by step.
class Push {
 public:
  explicit Push(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Ingest::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    stream_ = stub_->Stream(&context_);
  }
  ~Push() {
    if (!finished_) {
      context_.TryCancel();
      (void)stream_->Finish();
    }
  }

  v1::Hello HelloOf(const Laptop& laptop, uint64_t first_held = 1) {
    v1::Hello hello;
    hello.set_protocol(1);
    hello.set_agent_version(std::string(kVersion));
    hello.set_epoch(laptop.epoch());
    hello.set_first_held(first_held);
    hello.set_last_sealed(laptop.last_sealed());
    return hello;
  }
  void SendHello(const v1::Hello& hello) {
    v1::AgentMessage message;
    *message.mutable_hello() = hello;
    stream_->Write(message);
  }
  void Send(const std::string& sealed) {
    v1::AgentMessage message;
    message.set_batch(sealed);
    stream_->Write(message);
  }
  void End() { stream_->WritesDone(); }

  std::optional<v1::CollectorMessage> Read() {
    v1::CollectorMessage message;
    if (!stream_->Read(&message)) return std::nullopt;
    return message;
  }
  v1::Welcome ReadWelcome() {
    const auto message = Read();
    REQUIRE(message);
    REQUIRE(message->has_welcome());
    return message->welcome();
  }
  // Reads until acknowledged through `seq`; the refusals met on the way.
  std::vector<v1::Ack::Refusal> ReadAcks(uint64_t seq) {
    std::vector<v1::Ack::Refusal> refused;
    uint64_t through = 0;
    while (through < seq) {
      const auto message = Read();
      REQUIRE(message);
      REQUIRE(message->has_ack());
      REQUIRE(message->ack().through() >= through);
      through = message->ack().through();
      refused.insert(refused.end(), message->ack().refused().begin(),
                     message->ack().refused().end());
    }
    REQUIRE(through == seq);
    return refused;
  }
  grpc::Status Finish() {
    finished_ = true;
    while (Read()) {
    }
    return stream_->Finish();
  }
  // Hello, everything, acknowledgements, end.
  void All(const Laptop& laptop, const std::vector<std::string>& sealed) {
    SendHello(HelloOf(laptop));
    ReadWelcome();
    for (const std::string& bytes : sealed) Send(bytes);
    End();
    ReadAcks(laptop.last_sealed());
    REQUIRE(Finish().ok());
  }

 private:
  std::unique_ptr<v1::Ingest::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CollectorMessage>> stream_;
  bool finished_ = false;
};

}  // namespace candor::testing
