// One Ingest.Stream: the reactor of gRPC's callback API and the listener of the committer's queue.
//
// Alive while gRPC needs it (until OnDone) and while the queue holds answers for it. Everything but
// the message being read is under `mutex_`; calls into gRPC are made with it held, since gRPC's
// callbacks of this kind never run inside the call that started them.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "candor/v1/ingest.pb.h"
#include "collector/ingest/batch_check.h"
#include "collector/ingest/ingest_queue.h"
#include "collector/ingest/service.h"

namespace candor {

class IngestStream;

// Which stream each device has: the newest.
class StreamRegistry {
 public:
  // The stream that had the device until now, if any.
  std::shared_ptr<IngestStream> Replace(int64_t device,
                                        const std::shared_ptr<IngestStream>& stream);
  void Remove(int64_t device, const IngestStream* stream);

 private:
  std::mutex mutex_;
  std::map<int64_t, std::weak_ptr<IngestStream>> streams_;
};

// What all streams share.
struct IngestShared {
  IngestParts parts;
  CheckerPool checkers;
  StreamRegistry registry;
};

class IngestStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage>,
                           public IngestListener,
                           public std::enable_shared_from_this<IngestStream> {
 public:
  // The reactor of a new call; already ended where `device` is an error. Owns itself.
  static IngestStream* Start(IngestShared& shared, const absl::StatusOr<int64_t>& device);

  // Ends it because the device opened another one.
  void Supersede();

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void OnOpened(const absl::StatusOr<EpochPlace>& place) override;
  void OnAppended(const absl::StatusOr<BatchAnswer>& answer) override;
  void OnAnswered() override;

 private:
  IngestStream(IngestShared& shared, int64_t device) : shared_(shared), device_(device) {}

  // The message just read; without the lock, since only one read is under way.
  void HandleHello();
  void HandleBatch();

  // All with mutex_ held.
  void MaybeRead();
  void MaybeWrite();
  bool FillNextMessage();
  void FillWelcome(uint64_t next_seq);
  void FillAck();
  bool HasOutput() const;
  // Remembers why; the stream is finished when everything is answered and written, or, if `urgent`,
  // as soon as no write is under way.
  void End(grpc::Status status, bool urgent);
  void MaybeFinish();

  IngestShared& shared_;
  const int64_t device_;
  std::shared_ptr<IngestStream> self_;  // until OnDone
  v1::AgentMessage message_;            // being read into
  v1::CollectorMessage out_;            // being written

  std::mutex mutex_;
  uint64_t epoch_ = 0;  // 0 before Hello
  std::string configuration_hash_;
  int64_t skew_ms_ = 0;
  bool opened_ = false;
  uint64_t place_ = 0;        // where the next batch stands
  uint64_t last_sealed_ = 0;  // as Hello said

  bool reading_ = false;
  bool read_ended_ = false;
  bool writing_ = false;
  bool finished_ = false;
  bool end_urgent_ = false;
  std::optional<grpc::Status> end_;

  std::deque<size_t> unanswered_;  // sizes of what the queue holds of ours, oldest first
  size_t unanswered_bytes_ = 0;

  std::optional<uint64_t> welcome_;  // next_seq to tell
  uint64_t told_expected_ = 0;
  // To be told, once everything is acknowledged, to begin a new epoch.
  bool retire_epoch_ = false;
  uint32_t throttle_ms_ = 0;
  uint64_t acked_ = 0;
  uint64_t ack_through_ = 0;
  std::vector<v1::Ack::Refusal> refusals_;
};

}  // namespace candor
