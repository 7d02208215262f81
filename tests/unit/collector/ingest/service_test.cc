// Ingest over real TLS on loopback, with certificates of a real fleet.
#include "collector/ingest/service.h"

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "candor/v1/ingest.grpc.pb.h"
#include "collector/identity/device_directory.h"
#include "collector/identity/fleet.h"
#include "collector/identity/grpc_credentials.h"
#include "collector/identity/peer.h"
#include "collector/identity/roles.h"
#include "collector/server/grpc_listener.h"
#include "collector/store/store.h"
#include "common/rpc/channel.h"
#include "common/version.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::ManualClock;
using testing::TempFolder;

constexpr char kDevice[] = "11111111-2222-4333-8444-555555555555";
constexpr char kOther[] = "11111111-2222-4333-8444-666666666666";

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

TEST_CASE("a push is welcomed, stored, acknowledged and ends well") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 300; ++i) sealed.push_back(laptop.Seal(i));
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  const v1::Welcome welcome = push.ReadWelcome();
  REQUIRE(welcome.next_seq() == 1);
  REQUIRE(welcome.wall_ms() == collector.clock.WallMs());
  REQUIRE(welcome.reconnect_window_s() == 1);
  for (const std::string& bytes : sealed) push.Send(bytes);
  push.End();
  REQUIRE(push.ReadAcks(300).empty());
  REQUIRE(collector.Rows("log") == 300);
  REQUIRE(push.Finish().ok());
  REQUIRE(collector.stats.batches == 300);
}

TEST_CASE("an acknowledgement is never ahead of the disk") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  for (uint64_t i = 1; i <= 20; ++i) {
    push.Send(laptop.Seal(static_cast<int64_t>(i)));
    push.ReadAcks(i);
    REQUIRE(collector.Rows("log") == static_cast<int64_t>(i));
  }
}

TEST_CASE("everything again, also after a restart, changes nothing and is acknowledged") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 50; ++i) sealed.push_back(laptop.Seal(i));
  Push(collector.Channel()).All(laptop, sealed);
  const bool restarted = GENERATE(false, true);
  if (restarted) collector.Restart();
  Push(collector.Channel()).All(laptop, sealed);
  REQUIRE(collector.Rows("log") == 50);
  REQUIRE(collector.stats.duplicates == 50);
}

TEST_CASE("a collector that restarts in the middle is told the rest") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 40; ++i) sealed.push_back(laptop.Seal(i));
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(laptop));
    push.ReadWelcome();
    for (int i = 0; i < 10; ++i) push.Send(sealed[static_cast<size_t>(i)]);
    push.ReadAcks(10);
    collector.Restart();
  }
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop, 11));
  REQUIRE(push.ReadWelcome().next_seq() == 11);
  for (size_t i = 10; i < 40; ++i) push.Send(sealed[i]);
  push.ReadAcks(40);
  REQUIRE(collector.Rows("log") == 40);
}

TEST_CASE("configuration is told only to laptops that have another one") {
  Collector collector;
  Laptop laptop;
  std::string hash;
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(laptop));
    const v1::Welcome welcome = push.ReadWelcome();
    REQUIRE(welcome.has_configuration());
    REQUIRE(welcome.configuration().push_active_s() == 300);
    hash = welcome.configuration().hash();
    REQUIRE(hash.size() == 32);
  }
  auto ask = [&] {
    Push push(collector.Channel());
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_configuration_hash(hash);
    push.SendHello(hello);
    return push.ReadWelcome();
  };
  REQUIRE_FALSE(ask().has_configuration());
  collector.configurations.Watch(1, collector.clock.WallMs() + 1'000);
  REQUIRE(ask().configuration().watched());
  collector.clock.Advance(2'000);
  REQUIRE_FALSE(ask().has_configuration());
}

TEST_CASE("skew is taken once, from Hello, and kept with each row") {
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  Push push(collector.Channel());
  v1::Hello hello = push.HelloOf(laptop);
  hello.set_wall_ms(collector.clock.WallMs() - 36'000'000);
  push.SendHello(hello);
  push.ReadWelcome();
  collector.clock.Advance(5'000);
  push.Send(first);
  push.ReadAcks(1);
  REQUIRE(collector.Query("SELECT skew_ms FROM log") == -36'000'000);
  REQUIRE(collector.Query("SELECT received_ms FROM log") == collector.clock.WallMs());
}

TEST_CASE("a laptop whose clock shows nonsense is heard, its skew held within what can be added") {
  struct Case {
    int64_t said_ms;
    int64_t taken_ms;
  };
  const auto c = GENERATE(Case{INT64_MIN, -kWallMsMax}, Case{INT64_MAX, kWallMsMax},
                          Case{-kWallMsMax, -kWallMsMax}, Case{kWallMsMax, kWallMsMax},
                          Case{kWallMsMax - 1, kWallMsMax - 1});
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  Push push(collector.Channel());
  v1::Hello hello = push.HelloOf(laptop);
  hello.set_wall_ms(c.said_ms);
  hello.set_boottime_ms(c.said_ms);
  push.SendHello(hello);
  push.ReadWelcome();
  push.Send(first);
  push.ReadAcks(1);
  REQUIRE(collector.Query("SELECT skew_ms FROM log") == c.taken_ms - collector.clock.WallMs());
}

TEST_CASE("a batch that can never be accepted is refused and the rest goes on") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  push.Send(laptop.Seal(1));
  push.Send(laptop.SealBroken());
  push.Send(laptop.Seal(3));
  const std::string whole = laptop.Seal(4);
  push.Send(whole.substr(0, whole.size() / 2));
  push.Send(laptop.Seal(5));
  laptop.Seal(6);
  push.Send(std::string(BatchLimits::kSealedBytesMax + 1, 'x'));
  push.Send(laptop.Seal(7));
  push.End();
  const auto refused = push.ReadAcks(7);
  REQUIRE(refused.size() == 3);
  REQUIRE(refused[0].seq() == 2);
  REQUIRE(refused[0].reason() == v1::MALFORMED);
  REQUIRE(refused[1].seq() == 4);
  REQUIRE(refused[1].reason() == v1::MALFORMED);
  REQUIRE(refused[2].seq() == 6);
  REQUIRE(refused[2].reason() == v1::TOO_LARGE);
  REQUIRE(push.Finish().ok());
  REQUIRE(collector.Query("SELECT count(*) FROM log WHERE kind = 0") == 4);
}

TEST_CASE("a batch ahead of its turn is answered with the place expected") {
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  const std::string second = laptop.Seal(2);
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  push.Send(second);
  REQUIRE(push.ReadWelcome().next_seq() == 1);
  push.Send(first);
  push.Send(second);
  push.ReadAcks(2);
}

TEST_CASE("a device speaks for itself only") {
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  Push(collector.Channel(kDevice)).All(laptop, {first});
  Push(collector.Channel(kOther)).All(laptop, {first});
  REQUIRE(collector.Query("SELECT count(DISTINCT device) FROM log") == 2);
  REQUIRE(collector.Rows("quarantine") == 0);
}

TEST_CASE("once a fork is settled, the laptop that stays delivers all it holds and begins anew") {
  Collector collector;
  Laptop stays, copy;
  Push(collector.Channel()).All(copy, {copy.Seal(1)});
  const std::string own = stays.Seal(2);
  Push(collector.Channel()).All(stays, {own});
  REQUIRE(collector.Rows("quarantine") == 1);

  const auto push = [&](const std::vector<std::string>& sealed) {
    Push next(collector.Channel());
    next.SendHello(next.HelloOf(stays, stays.last_sealed() + 1 - sealed.size()));
    const uint64_t expected = next.ReadWelcome().next_seq();
    for (const std::string& bytes : sealed) next.Send(bytes);
    if (!sealed.empty()) next.ReadAcks(stays.last_sealed());
    next.End();
    std::vector<uint64_t> told = {expected};
    while (const auto message = next.Read()) {
      REQUIRE(message->has_welcome());
      told.push_back(message->welcome().next_seq());
    }
    REQUIRE(next.Finish().ok());
    return told;
  };
  const std::string second = stays.Seal(3);
  REQUIRE(push({second}) == std::vector<uint64_t>{2});  // not settled

  REQUIRE_OK(collector.writer().Run([](Database& db) {
    return db.Execute(
        "INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
        "certificate_not_after_ms) SELECT 9, 'anew', host, 1 << 45, '', 0 FROM device "
        "WHERE no = 1");
  }));
  const std::string third = stays.Seal(4);
  const std::string fourth = stays.Seal(5);
  // Told only after everything it holds is acknowledged, since it may give that up.
  REQUIRE(push({third, fourth}) == std::vector<uint64_t>{3, kBeyondEverySeq});
  REQUIRE(collector.Rows("quarantine") == 4);
  REQUIRE(push({}) == std::vector<uint64_t>{kBeyondEverySeq});

  Laptop anew(77);
  Push(collector.Channel()).All(anew, {anew.Seal(1)});
  REQUIRE(collector.Rows("quarantine") == 4);
  REQUIRE(collector.Rows("log") == 2);
}

TEST_CASE("who may not stream is told why") {
  Collector collector;
  Laptop laptop;
  auto status_of = [&](const std::shared_ptr<grpc::Channel>& channel) {
    Push push(channel);
    push.SendHello(push.HelloOf(laptop));
    return push.Finish();
  };
  SECTION("an administrator") {
    const grpc::Status status = status_of(collector.Channel(Identity{Role::kItAdmin, "alice"}));
    REQUIRE(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
    REQUIRE(status.error_message().starts_with("wrong role: "));
  }
  SECTION("a revoked device") {
    collector.Revoke(kDevice);
    const grpc::Status status = status_of(collector.Channel());
    REQUIRE(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
    REQUIRE(status.error_message().starts_with("revoked: "));
  }
  SECTION("a device nobody enrolled") {
    const grpc::Status status =
        status_of(collector.Channel("99999999-2222-4333-8444-555555555555"));
    REQUIRE(status.error_code() == grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_CASE("a revocation reaches a stream that is already open") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  push.Send(laptop.Seal(1));
  push.ReadAcks(1);
  collector.Revoke(kDevice);
  push.Send(laptop.Seal(2));
  const grpc::Status status = push.Finish();
  REQUIRE(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  REQUIRE(collector.Rows("log") == 1);
}

TEST_CASE("a newer stream of a device takes over from an older one") {
  Collector collector;
  Laptop laptop;
  Push older(collector.Channel());
  older.SendHello(older.HelloOf(laptop));
  older.ReadWelcome();
  const std::string first = laptop.Seal(1);
  Push newer(collector.Channel());
  newer.SendHello(newer.HelloOf(laptop));
  newer.ReadWelcome();
  REQUIRE(older.Finish().error_code() == grpc::StatusCode::ABORTED);
  newer.Send(first);
  newer.ReadAcks(1);
  REQUIRE(collector.stats.streams_superseded == 1);
}

TEST_CASE("a laptop that does not keep to the protocol is told what is wrong") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  SECTION("no Hello") {
    push.Send(laptop.Seal(1));
    const grpc::Status status = push.Finish();
    REQUIRE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    REQUIRE(status.error_message().find("Hello") != std::string::npos);
  }
  SECTION("nothing at all") {
    push.End();
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  SECTION("a protocol of the future") {
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_protocol(9);
    push.SendHello(hello);
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::UNIMPLEMENTED);
  }
  SECTION("places that cannot be") {
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_first_held(10);
    push.SendHello(hello);
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  SECTION("no epoch") {
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_epoch(0);
    push.SendHello(hello);
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  REQUIRE(collector.Rows("log") == 0);
}

TEST_CASE("a collector with too many streams tells the next one when to come back") {
  Collector collector;
  collector.limits.streams_max = 1;
  collector.Restart();
  Laptop laptop;
  Push first(collector.Channel(kDevice));
  first.SendHello(first.HelloOf(laptop));
  first.ReadWelcome();
  Push second(collector.Channel(kOther));
  const auto message = second.Read();
  REQUIRE(message);
  REQUIRE(message->has_throttle());
  REQUIRE(message->throttle().retry_after_ms() >= 1'000);
  REQUIRE(second.Finish().error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  first.Send(laptop.Seal(1));
  first.ReadAcks(1);
}

TEST_CASE("a stream may hold more than its share of memory only as long as it is read slowly") {
  Collector collector;
  collector.limits.stream_pending_bytes_max = 1'000;
  collector.Restart();
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 500; ++i) sealed.push_back(laptop.Seal(i));
  Push(collector.Channel()).All(laptop, sealed);
  REQUIRE(collector.Rows("log") == 500);
}

TEST_CASE(
    "when the disk is full the laptop is told to come back, and nothing acknowledged is lost") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 600; ++i) sealed.push_back(laptop.Seal(i));
  const int64_t pages = collector.Query("PRAGMA page_count");
  REQUIRE_OK(collector.writer().Run([pages](Database& db) {
    return db.Execute("PRAGMA max_page_count = " + std::to_string(pages + 3));
  }));
  uint64_t through = 0;
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(laptop));
    push.ReadWelcome();
    for (const std::string& bytes : sealed) push.Send(bytes);
    push.End();
    while (const auto message = push.Read()) {
      if (message->has_ack()) through = message->ack().through();
    }
    const grpc::Status status = push.Finish();
    REQUIRE(status.error_code() == grpc::StatusCode::UNAVAILABLE);
    REQUIRE(status.error_message().find("full") != std::string::npos);
  }
  REQUIRE(through < 600);
  REQUIRE(collector.Rows("log") >= static_cast<int64_t>(through));
  REQUIRE_OK(collector.writer().Run(
      [](Database& db) { return db.Execute("PRAGMA max_page_count = 1000000"); }));
  Push(collector.Channel()).All(laptop, sealed);
  REQUIRE(collector.Rows("log") == 600);
}

TEST_CASE("two laptops with one identity end in quarantine, both acknowledged, without ping-pong") {
  Collector collector;
  Laptop one, clone;
  const std::string common = one.Seal(0);
  clone.Seal(0);
  std::vector<std::string> of_one{common, one.Seal(1), one.Seal(2)};
  std::vector<std::string> of_clone{common, clone.Seal(10), clone.Seal(20)};
  Push(collector.Channel()).All(one, of_one);
  Push(collector.Channel()).All(clone, of_clone);
  REQUIRE(collector.Rows("log") == 3);
  REQUIRE(collector.Rows("quarantine") == 2);
  of_one.push_back(one.Seal(3));
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(one, 4));
    REQUIRE(push.ReadWelcome().next_seq() == 4);
    push.Send(of_one[3]);
    push.ReadAcks(4);
  }
  REQUIRE(collector.Rows("log") == 3);
  REQUIRE(collector.stats.forks == 1);
}

TEST_CASE("many laptops at once all arrive, each once") {
  Collector collector;
  std::vector<std::future<void>> pushes;
  std::atomic<int> done = 0;
  for (uint64_t p = 0; p < 12; ++p) {
    pushes.push_back(std::async(std::launch::async, [&, p] {
      Laptop laptop(100 + p);
      auto stub = v1::Ingest::NewStub(collector.Channel(p % 2 == 0 ? kDevice : kOther));
      std::vector<std::string> sealed;
      for (int i = 0; i < 30; ++i) sealed.push_back(laptop.Seal(i));
      // Streams of one device push each other out; a laptop comes back until all is acknowledged.
      for (uint64_t acked = 0; acked < 30;) {
        grpc::ClientContext context;
        auto stream = stub->Stream(&context);
        v1::AgentMessage message;
        message.mutable_hello()->set_protocol(1);
        message.mutable_hello()->set_epoch(laptop.epoch());
        message.mutable_hello()->set_first_held(acked + 1);
        message.mutable_hello()->set_last_sealed(30);
        stream->Write(message);
        for (uint64_t i = acked; i < 30; ++i) {
          message.set_batch(sealed[i]);
          if (!stream->Write(message)) break;
        }
        stream->WritesDone();
        v1::CollectorMessage answer;
        while (stream->Read(&answer)) {
          if (answer.has_ack()) acked = std::max(acked, answer.ack().through());
        }
        (void)stream->Finish();
      }
      ++done;
    }));
  }
  for (auto& push : pushes) push.get();
  REQUIRE(done == 12);
  REQUIRE(collector.Rows("log") == 12 * 30);
  REQUIRE(collector.Rows("quarantine") == 0);
  // A laptop sees the end of its stream a moment before the collector has put it away.
  for (int i = 0; i < 500 && collector.stats.streams_open > 0; ++i) usleep(10'000);
  REQUIRE(collector.stats.streams_open == 0);
}

TEST_CASE("the reconnect window grows with the fleet and shrinks with the cores") {
  REQUIRE(ReconnectWindowSeconds(0, 2) == 1);
  REQUIRE(ReconnectWindowSeconds(1'000, 2) == 4);
  REQUIRE(ReconnectWindowSeconds(50'000, 2) == 200);
  REQUIRE(ReconnectWindowSeconds(50'000, 16) == 25);
}

}  // namespace
}  // namespace candor
