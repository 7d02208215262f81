#include "collector/query/service.h"

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "candor/v1/query.grpc.pb.h"
#include "collector/identity/audit.h"
#include "collector/identity/peer.h"
#include "collector/identity/roles.h"
#include "collector/query/query_pool.h"
#include "collector/query/table_wire.h"
#include "collector/store/store.h"
#include "collector/store/writer.h"
#include "common/hash.h"
#include "common/rpc/channel.h"
#include "common/status.h"

namespace candor {
namespace {

// What all calls share; outlives them.
struct Shared {
  QueryServiceParts parts;
  std::unique_ptr<QueryPool> pool;
};

// The replies an answer consists of.
std::vector<v1::QueryReply> RepliesFor(const std::vector<Table>& tables) {
  std::vector<v1::QueryReply> replies;
  for (const Table& table : tables) {
    HeaderToWire(table, replies.emplace_back());
    for (size_t at = 0; at < table.rows.size();) {
      at = RowsToWire(table, at, replies.emplace_back());
    }
  }
  return replies;
}

std::string Fingerprint(const std::vector<v1::QueryReply>& replies) {
  std::string bytes;
  for (const v1::QueryReply& reply : replies) bytes += Sha256(reply.SerializeAsString());
  return Sha256(bytes);
}

// One call. gRPC's threads and the pool's meet here; `self_` keeps it alive until gRPC is done with
// it, a job's pointer as long as the job runs.
class Call final : public grpc::ServerWriteReactor<v1::QueryReply>,
                   public std::enable_shared_from_this<Call> {
 public:
  Call(Shared& shared, const v1::QueryRequest& request, std::string actor)
      : shared_(shared), request_(request), actor_(std::move(actor)) {}

  void Start() {
    self_ = shared_from_this();
    Enqueue(0);
  }

  void Refuse(const absl::Status& status) {
    self_ = shared_from_this();
    Finish(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    if (!ok) {
      cancelled_ = true;
      return FinishOnce(std::move(lock), absl::CancelledError("the caller is gone"));
    }
    if (ending_) return FinishOnce(std::move(lock), *ending_);
    WriteNext(std::move(lock));
  }

  void OnCancel() override {
    cancelled_ = true;
    std::unique_lock lock(mutex_);
    // A job that runs sees the flag and finishes; between two answers of a watch nobody else would.
    if (!running_ && !writing_) FinishOnce(std::move(lock), absl::CancelledError("cancelled"));
  }

  void OnDone() override { self_.reset(); }

 private:
  void Enqueue(int64_t delay_ms) {
    const absl::Status queued = shared_.pool->SubmitIn(
        delay_ms, [self = shared_from_this()](Database& db) { self->Answer(db); });
    if (!queued.ok()) FinishOnce(std::unique_lock(mutex_), queued);
  }

  // On a thread of the pool.
  void Answer(Database& db) {
    {
      std::unique_lock lock(mutex_);
      if (cancelled_) return FinishOnce(std::move(lock), absl::CancelledError("cancelled"));
      running_ = true;
    }
    absl::StatusOr<std::vector<Table>> tables = AnswerQuestion(PartsFor(db), request_);
    std::unique_lock lock(mutex_);
    running_ = false;
    first_ = false;
    if (!tables.ok()) return FinishOnce(std::move(lock), tables.status());
    if (cancelled_) return FinishOnce(std::move(lock), absl::CancelledError("cancelled"));
    replies_ = RepliesFor(*tables);
    next_ = 0;
    std::string print = IsWatch() ? Fingerprint(replies_) : std::string();
    EndOfAnswerToWire(replies_.emplace_back());
    if (IsWatch() && print == last_print_) replies_.clear();
    last_print_ = std::move(print);
    answered_ = true;
    if (!writing_) WriteNext(std::move(lock));
  }

  QuestionParts PartsFor(Database& db) {
    QuestionParts parts{db,
                        shared_.parts.models,
                        shared_.parts.clock,
                        shared_.parts.audit,
                        actor_,
                        {},
                        {},
                        &cancelled_,
                        first_};
    parts.watching = [this](int64_t device) {
      if (!shared_.parts.watch) return;
      shared_.parts.watch(device,
                          shared_.parts.clock.WallMs() + shared_.parts.options.watched_for_ms);
    };
    parts.progress = [this](std::string_view doing, uint64_t done, uint64_t total) {
      SendProgress(doing, done, total);
    };
    return parts;
  }

  // Progress is told when the line is free, and otherwise not.
  void SendProgress(std::string_view doing, uint64_t done, uint64_t total) {
    {
      const std::lock_guard lock(mutex_);
      if (writing_ || finished_ || !first_) return;
      writing_ = true;
    }
    progress_.mutable_progress()->set_doing(std::string(doing));
    progress_.mutable_progress()->set_done(done);
    progress_.mutable_progress()->set_total(total);
    StartWrite(&progress_);
  }

  // Takes the lock: gRPC is never called under it, because it may call back at once.
  void WriteNext(std::unique_lock<std::mutex> lock) {
    if (finished_ || !answered_) return;
    if (next_ < replies_.size()) {
      writing_ = true;
      const v1::QueryReply* reply = &replies_[next_++];
      lock.unlock();
      StartWrite(reply);
      return;
    }
    if (!IsWatch()) return FinishOnce(std::move(lock), absl::OkStatus());
    answered_ = false;
    lock.unlock();
    Enqueue(shared_.parts.options.watch_interval_ms);
  }

  void FinishOnce(std::unique_lock<std::mutex> lock, absl::Status status) {
    if (finished_ || writing_) {
      // A write under way reports first; then OnWriteDone finishes.
      if (!finished_) ending_ = std::move(status);
      return;
    }
    finished_ = true;
    lock.unlock();
    Finish(ToGrpc(status));
  }

  bool IsWatch() const { return request_.view() == "watch"; }

  Shared& shared_;
  const v1::QueryRequest request_;
  const std::string actor_;
  std::shared_ptr<Call> self_;
  std::atomic<bool> cancelled_ = false;

  std::mutex mutex_;
  bool running_ = false;   // a job is at work
  bool writing_ = false;   // between StartWrite and OnWriteDone
  bool answered_ = false;  // replies_ are to be written
  bool finished_ = false;
  bool first_ = true;  // no answer yet
  std::optional<absl::Status> ending_;
  std::vector<v1::QueryReply> replies_;
  size_t next_ = 0;
  v1::QueryReply progress_;
  std::string last_print_;
};

class QueryService final : public v1::Query::CallbackService {
 public:
  explicit QueryService(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~QueryService() override { shared_->pool->Stop(); }

  grpc::ServerWriteReactor<v1::QueryReply>* Run(grpc::CallbackServerContext* context,
                                                const v1::QueryRequest* request) override {
    const absl::StatusOr<Identity> actor = AuthorizePeer(*context, rpc::kQueryRun);
    const auto call =
        std::make_shared<Call>(*shared_, *request, actor.ok() ? actor->Text() : std::string());
    if (actor.ok()) {
      call->Start();
    } else {
      call->Refuse(actor.status());
    }
    return call.get();
  }

 private:
  std::unique_ptr<Shared> shared_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeQueryService(QueryServiceParts parts) {
  auto shared = std::make_unique<Shared>(Shared{std::move(parts), nullptr});
  CANDOR_ASSIGN_OR_RETURN(
      shared->pool, QueryPool::Start(
                        shared->parts.options.threads,
                        [&] { return shared->parts.store.OpenReader(); }, shared->parts.clock));
  return std::make_unique<QueryService>(std::move(shared));
}

AuditSink MakeAuditSink(Writer& writer, const Clock& clock) {
  return [&writer, &clock](const Look& look) {
    return writer.Run([&](Database& db) {
      return AppendAudit(db,
                         {clock.WallMs(), look.actor, look.action, look.device_id, look.reason});
    });
  };
}

}  // namespace candor
