#include "tests/unit/agent/uplink/uplink_fixture.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include "agent/uplink/enroll.h"
#include "candor/v1/enrollment.grpc.pb.h"
#include "candor/v1/envelope.pb.h"
#include "candor/v1/ingest.grpc.pb.h"
#include "collector/identity/grpc_credentials.h"
#include "collector/identity/peer.h"
#include "common/batch.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/rpc/channel.h"

namespace candor::testing {
namespace {

struct Listening {
  std::unique_ptr<grpc::Server> server;
  int port = 0;        // on 127.0.0.1
  int other_port = 0;  // on 127.0.0.2, a name that the certificate does not have
};

Listening Serve(const std::shared_ptr<grpc::ServerCredentials>& credentials,
                grpc::Service& service) {
  Listening listening;
  grpc::ServerBuilder builder;
  ConfigureServer(builder, 16 << 20);
  builder.AddListeningPort("127.0.0.1:0", credentials, &listening.port);
  builder.AddListeningPort("127.0.0.2:0", credentials, &listening.other_port);
  builder.RegisterService(&service);
  listening.server = builder.BuildAndStart();
  return listening;
}

std::string Address(const std::string& host, int port) { return host + ":" + std::to_string(port); }

class GrpcIngestCall final : public IngestCall {
 public:
  using Stream = grpc::ServerReaderWriter<v1::CollectorMessage, v1::AgentMessage>;
  GrpcIngestCall(grpc::ServerContext& context, Stream& stream)
      : context_(context), stream_(stream) {}
  bool Read(v1::AgentMessage& message) override { return stream_.Read(&message); }
  void Write(const v1::CollectorMessage& message) override { stream_.Write(message); }
  bool cancelled() const override { return context_.IsCancelled(); }

 private:
  grpc::ServerContext& context_;
  Stream& stream_;
};

// Remembers what goes through.
class RecordingCall final : public IngestCall {
 public:
  RecordingCall(IngestCall& call, std::function<void(const v1::AgentMessage&)> record)
      : call_(call), record_(std::move(record)) {}
  bool Read(v1::AgentMessage& message) override {
    if (!call_.Read(message)) return false;
    record_(message);
    return true;
  }
  void Write(const v1::CollectorMessage& message) override { call_.Write(message); }
  bool cancelled() const override { return call_.cancelled(); }

 private:
  IngestCall& call_;
  std::function<void(const v1::AgentMessage&)> record_;
};

}  // namespace

void IngestCall::Welcome(uint64_t next_seq) {
  v1::CollectorMessage message;
  message.mutable_welcome()->set_next_seq(next_seq);
  Write(message);
}

void IngestCall::Ack(uint64_t through) {
  v1::CollectorMessage message;
  message.mutable_ack()->set_through(through);
  Write(message);
}

class TestCollector::IngestService final : public v1::Ingest::Service {
 public:
  explicit IngestService(const DeviceDirectory& directory) : directory_(directory) {}

  grpc::Status Stream(grpc::ServerContext* context, GrpcIngestCall::Stream* stream) override {
    const absl::StatusOr<Identity> identity = PeerIdentity(*context);
    if (!identity.ok()) return ToGrpc(identity.status());
    if (const auto device = directory_.Admit(*identity); !device.ok()) {
      return ToGrpc(device.status());
    }
    GrpcIngestCall call(*context, *stream);
    RecordingCall recorded(call, [this](const v1::AgentMessage& message) { Record(message); });
    Script script;
    {
      const std::lock_guard lock(mutex_);
      script = script_;
    }
    return ToGrpc(script(recorded));
  }

  void Record(const v1::AgentMessage& message) {
    const std::lock_guard lock(mutex_);
    if (message.has_hello()) hello_ = message.hello();
    if (message.has_batch()) batches_.push_back(message.batch());
  }

  std::mutex mutex_;
  Script script_ = TakeAll();
  v1::Hello hello_;
  std::vector<std::string> batches_;

 private:
  const DeviceDirectory& directory_;
};

// The real enroller, with a moment between the commit and the answer.
class TestCollector::EnrollService final : public v1::Enrollment::CallbackService {
 public:
  EnrollService(const EnrollerParts& parts, const std::atomic<uint32_t>& fleet_port)
      : enroller_(parts), fleet_port_(fleet_port) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const v1::EnrollRequest* request,
                                   v1::EnrollReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    enroller_.Enroll(*request, PeerAddress(*context), Answer(reactor, reply));
    return reactor;
  }
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const v1::RenewRequest* request,
                                  v1::EnrollReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    enroller_.Renew(*request, PeerAddress(*context), Answer(reactor, reply));
    return reactor;
  }

  std::mutex mutex_;
  std::function<void()> hook_;

 private:
  Enroller::Done Answer(grpc::ServerUnaryReactor* reactor, v1::EnrollReply* reply) {
    return [this, reactor, reply](absl::StatusOr<v1::EnrollReply> result) {
      std::function<void()> hook;
      {
        const std::lock_guard lock(mutex_);
        hook = std::exchange(hook_, nullptr);
      }
      if (hook) hook();
      if (result.ok()) {
        *reply = *std::move(result);
        reply->set_fleet_port(fleet_port_);
      }
      reactor->Finish(ToGrpc(result.status()));
    };
  }
  Enroller enroller_;
  const std::atomic<uint32_t>& fleet_port_;
};

TestCollector::TestCollector(int64_t age_ms)
    : fleet(SystemClock().WallMs() - age_ms),
      ingest_(std::make_unique<IngestService>(*fleet.directory)),
      enroll_(std::make_unique<EnrollService>(fleet.Parts(), fleet_port_)) {
  Listening listening = Serve(FleetServerCredentials(*fleet.fleet), *ingest_);
  fleet_server_ = std::move(listening.server);
  fleet_port_ = static_cast<uint32_t>(listening.port);
  fleet_address_ = Address("127.0.0.1", listening.port);
  misnamed_fleet_address_ = Address("127.0.0.2", listening.other_port);
  listening = Serve(EnrollmentServerCredentials(*fleet.fleet), *enroll_);
  enroll_server_ = std::move(listening.server);
  enroll_address_ = Address("127.0.0.1", listening.port);
  misnamed_enroll_address_ = Address("127.0.0.2", listening.other_port);
}

TestCollector::~TestCollector() {
  Kill();
  enroll_server_->Shutdown(std::chrono::system_clock::now());
}

void TestCollector::Kill() { fleet_server_->Shutdown(std::chrono::system_clock::now()); }

TestCollector::Script TestCollector::TakeAll(uint64_t next_seq) {
  return [next_seq](IngestCall& call) {
    v1::AgentMessage message;
    if (!call.Read(message) || !message.has_hello()) {
      return absl::InvalidArgumentError("no hello");
    }
    call.Welcome(next_seq);
    v1::SealedBatch batch;
    while (call.Read(message)) {
      if (!ParseSealed(message.batch(), batch).ok()) return absl::InvalidArgumentError("no batch");
      call.Ack(LastSeq(batch));
    }
    return absl::OkStatus();
  };
}

void TestCollector::SetScript(Script script) {
  const std::lock_guard lock(ingest_->mutex_);
  ingest_->script_ = std::move(script);
}

void TestCollector::BeforeEnrollAnswer(std::function<void()> hook) {
  const std::lock_guard lock(enroll_->mutex_);
  enroll_->hook_ = std::move(hook);
}

std::string TestCollector::fingerprint() const {
  return fleet.fleet->authority.certificate().Fingerprint();
}

std::vector<std::string> TestCollector::batches() {
  const std::lock_guard lock(ingest_->mutex_);
  return ingest_->batches_;
}

v1::Hello TestCollector::hello() {
  const std::lock_guard lock(ingest_->mutex_);
  return ingest_->hello_;
}

DeviceIdentity TestCollector::EnrollInto(const std::string& state) {
  EnrollOptions options;
  options.enrollment = enroll_address();
  options.token = fleet.Token();
  options.ca_fingerprint = fingerprint();
  options.host = "laptop-1";
  options.state = state;
  // As of the fleet's own time: the laptop enrolled when the fleet was made.
  const auto identity = Enroll(options, fleet.clock, fleet.random);
  REQUIRE_OK(identity);
  return *identity;
}

TestPush::TestPush(const std::string& state, const Clock& clock, const v1::PushStart& start,
                   const std::string& enroll_file) {
  int ends[2] = {};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error("no socket pair");
  }
  fd_ = ends[0];
  thread_ = std::thread([this, state, enroll_file, &clock, fd = ends[1]] {
    result_ = Push({.fd = fd, .state = state, .enroll_file = enroll_file}, clock, random_);
  });
  Start(start);
}

TestPush::TestPush(int fd, const v1::PushStart& start) : fd_(fd) { Start(start); }

void TestPush::Start(const v1::PushStart& start) {
  v1::ToUplink message;
  *message.mutable_start() = start;
  Send(message);
}

TestPush::~TestPush() {
  Vanish();
  if (thread_.joinable()) thread_.join();
}

void TestPush::Vanish() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

absl::Status TestPush::Join() {
  thread_.join();
  return result_;
}

void TestPush::Batch(const std::string& sealed) {
  v1::ToUplink message;
  message.set_batch(sealed);
  Send(message);
}

void TestPush::End() {
  v1::ToUplink message;
  message.mutable_end();
  Send(message);
}

void TestPush::Send(const v1::ToUplink& message) {
  std::string bytes;
  // Not Catch2's macros, which only the test's own thread may use.
  if (!AppendMessageFrame(message, bytes).ok()) throw std::runtime_error("no frame");
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t sent = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the push ended; what it said is still to be read
    rest.remove_prefix(static_cast<size_t>(sent));
  }
}

v1::FromUplink TestPush::Next() {
  char buffer[4096];
  while (true) {
    const auto frame = reader_.Next();
    REQUIRE_OK(frame);
    if (*frame) {
      v1::FromUplink message;
      REQUIRE(message.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size())));
      seen.push_back(message);
      return message;
    }
    pollfd entry = {fd_, POLLIN, 0};
    REQUIRE(poll(&entry, 1, 10'000) == 1);
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    REQUIRE(got > 0);
    reader_.Append({buffer, static_cast<size_t>(got)});
  }
}

v1::PushDone TestPush::Done() {
  while (true) {
    const v1::FromUplink message = Next();
    if (message.has_done()) return message.done();
  }
}

v1::PushStart StartOf(uint64_t first_held, uint64_t last_sealed, uint64_t deadline_ms) {
  v1::PushStart start;
  start.mutable_hello()->set_protocol(1);
  start.mutable_hello()->set_epoch(7);
  start.mutable_hello()->set_first_held(first_held);
  start.mutable_hello()->set_last_sealed(last_sealed);
  start.set_deadline_ms(deadline_ms);
  return start;
}

std::vector<std::string> SealedBatches(size_t count, size_t bytes) {
  std::vector<std::string> sealed;
  std::string predecessor;
  SeededRandom random(1);
  for (uint64_t seq = 1; seq <= count; ++seq) {
    v1::Contents contents;
    contents.add_strings("");
    contents.add_strings(ToHex(random.Bytes(bytes)));  // compresses to as many bytes
    sealed.push_back(
        SealContents({7, seq, predecessor}, BatchClass::kWindows, 1'790'000'000'000, contents));
    v1::SealedBatch batch;
    REQUIRE_OK(ParseSealed(sealed.back(), batch));
    predecessor = ChainHash(sealed.back(), batch);
  }
  return sealed;
}

}  // namespace candor::testing
