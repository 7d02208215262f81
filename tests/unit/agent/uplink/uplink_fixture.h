// Both ends of an uplink for tests: a collector of the real identity services and an ingest that
// does what the test says, and the daemon's end of the socket.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/local/framing.h"
#include "agent/uplink/device_identity.h"
#include "agent/uplink/push.h"
#include "candor/v1/ingest.pb.h"
#include "candor/v1/local.pb.h"
#include "collector/identity/services.h"
#include "common/clock.h"
#include "tests/unit/collector/identity/test_fleet.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace candor::testing {

// The machine's clock with another wall time: as on a laptop whose clock is wrong.
class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(int64_t shift_ms = 0) : shift_ms_(shift_ms) {}
  int64_t WallMs() const override { return system_.WallMs() + shift_ms_; }
  int64_t BoottimeMs() const override { return system_.BoottimeMs(); }
  int64_t MonotonicMs() const override { return system_.MonotonicMs(); }
  int UtcOffsetMin(int64_t) const override { return 0; }

 private:
  SystemClock system_;
  const int64_t shift_ms_;
};

// What the scripted ingest sees of one stream. Its calls block as gRPC's own do.
class IngestCall {
 public:
  virtual ~IngestCall() = default;
  // False at the end of the laptop's side.
  virtual bool Read(v1::AgentMessage& message) = 0;
  virtual void Write(const v1::CollectorMessage& message) = 0;
  virtual bool cancelled() const = 0;

  void Welcome(uint64_t next_seq);
  void Ack(uint64_t through);
};

class TestCollector {
 public:
  // Gives the status that ends the stream.
  using Script = std::function<absl::Status(IngestCall& call)>;

  // The fleet was made `age_ms` ago.
  explicit TestCollector(int64_t age_ms = 0);
  ~TestCollector();

  // Takes every batch and acknowledges each, from `next_seq` on.
  static Script TakeAll(uint64_t next_seq = 1);
  void SetScript(Script script);
  // The next enrolment is answered only after this was called; for whoever dies in between.
  void BeforeEnrollAnswer(std::function<void()> hook);
  // Ends the server at once, as a crash would.
  void Kill();

  // Enrols a laptop the way laptops do, into STATE.
  DeviceIdentity EnrollInto(const std::string& state);

  std::string enroll_address() const { return enroll_address_; }
  std::string fleet_address() const { return fleet_address_; }
  // The same listeners under an address that their certificate does not have.
  std::string misnamed_enroll_address() const { return misnamed_enroll_address_; }
  std::string misnamed_fleet_address() const { return misnamed_fleet_address_; }
  std::string fingerprint() const;
  // Everything after the Hello, and the last Hello.
  std::vector<std::string> batches();
  v1::Hello hello();

  TestFleet fleet;

 private:
  class IngestService;
  class EnrollService;
  std::atomic<uint32_t> fleet_port_ = 0;
  std::string enroll_address_;
  std::string fleet_address_;
  std::string misnamed_enroll_address_;
  std::string misnamed_fleet_address_;
  std::unique_ptr<IngestService> ingest_;
  std::unique_ptr<EnrollService> enroll_;
  std::unique_ptr<grpc::Server> fleet_server_;
  std::unique_ptr<grpc::Server> enroll_server_;
};

// The daemon's end: starts a push on a thread and speaks with it.
class TestPush {
 public:
  TestPush(const std::string& state, const Clock& clock, const v1::PushStart& start,
           const std::string& enroll_file = {});
  // Only the daemon's end, `fd`; the push is another process's.
  TestPush(int fd, const v1::PushStart& start);
  ~TestPush();

  // These two from any one thread.
  void Batch(const std::string& sealed);
  void End();
  // Closes the daemon's socket.
  void Vanish();
  // The next message; fails the test when there is none within ten seconds.
  v1::FromUplink Next();
  // Reads on to PushDone and gives it; what came before is in `seen`.
  v1::PushDone Done();
  // What Push returned.
  absl::Status Join();

  std::vector<v1::FromUplink> seen;

 private:
  void Start(const v1::PushStart& start);
  void Send(const v1::ToUplink& message);
  int fd_ = -1;
  FrameReader reader_;
  SystemRandom random_;
  absl::Status result_;
  std::thread thread_;
};

v1::PushStart StartOf(uint64_t first_held, uint64_t last_sealed, uint64_t deadline_ms = 30'000);
// `count` sealed batches that follow each other, from seq 1, with about `bytes` each.
std::vector<std::string> SealedBatches(size_t count, size_t bytes = 200);

}  // namespace candor::testing
