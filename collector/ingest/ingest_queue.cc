#include "collector/ingest/ingest_queue.h"

#include <utility>

#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

// True where the store itself fails (a full disk, input or output, a lock), so that no other item
// would fare better; false where one laptop's rows are damaged or contradict each other.
bool ConcernsAll(const Database& db, const absl::Status& status) {
  return !db.in_transaction() || absl::IsResourceExhausted(status) || absl::IsInternal(status) ||
         absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsPermissionDenied(status) || absl::IsNotFound(status);
}

}  // namespace

IngestQueue::IngestQueue(Writer& writer, IngestStats& stats, std::function<void(int64_t)> committed)
    : writer_(writer),
      stats_(stats),
      committed_(std::move(committed)),
      appender_(stats),
      answer_thread_([this] { AnswerLoop(); }) {}

IngestQueue::~IngestQueue() {
  // Requests run in order: when this one is done, so are all of ours.
  (void)writer_.Run([](Database&) { return absl::OkStatus(); });
  {
    std::lock_guard lock(answer_mutex_);
    stopping_ = true;
  }
  answer_wake_.notify_one();
  answer_thread_.join();
}

void IngestQueue::Open(std::shared_ptr<IngestListener> listener, EpochHello hello) {
  Item item;
  item.listener = std::move(listener);
  item.what = std::move(hello);
  Add(std::move(item));
}

void IngestQueue::Append(std::shared_ptr<IngestListener> listener, Arrival arrival) {
  Item item;
  item.bytes = arrival.sealed.size();
  item.listener = std::move(listener);
  item.what = std::move(arrival);
  Add(std::move(item));
}

void IngestQueue::Add(Item item) {
  stats_.pending_bytes += item.bytes;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(item));
    if (waiting_.size() > 1) return;  // the request that will take it is already submitted
  }
  auto group = std::make_shared<Group>();
  writer_.Submit(
      [this, group](Database& db) {
        Take(*group);
        return RunGroup(db, *group);
      },
      [this, group](const absl::Status& status) { GroupDone(status, group); });
}

void IngestQueue::Take(Group& group) {
  std::lock_guard lock(mutex_);
  group.swap(waiting_);
}

// All together first, which costs least. Only a group in which something cannot be stored is undone
// and run again with each item for itself.
absl::Status IngestQueue::RunGroup(Database& db, Group& group) {
  CANDOR_RETURN_IF_ERROR(db.Execute("SAVEPOINT ingest"));
  const absl::Status together = RunTogether(db, group);
  if (together.ok()) return db.Execute("RELEASE ingest");
  if (ConcernsAll(db, together)) return together;
  CANDOR_RETURN_IF_ERROR(db.Execute("ROLLBACK TO ingest"));
  appender_.Undone();
  CANDOR_RETURN_IF_ERROR(RunOneByOne(db, group));
  return db.Execute("RELEASE ingest");
}

absl::Status IngestQueue::RunTogether(Database& db, Group& group) {
  CANDOR_RETURN_IF_ERROR(appender_.Begin(db));
  for (Item& item : group) CANDOR_RETURN_IF_ERROR(RunItem(item));
  return appender_.End();
}

absl::Status IngestQueue::RunOneByOne(Database& db, Group& group) {
  CANDOR_RETURN_IF_ERROR(appender_.Begin(db));
  for (Item& item : group) {
    const absl::Status status = appender_.Alone(db, [&] { return RunItem(item); });
    if (status.ok()) continue;
    if (ConcernsAll(db, status)) return status;
    item.result = status;
    appender_.ItemFailed();
    const auto* hello = std::get_if<EpochHello>(&item.what);
    LogError("cannot store what a laptop sent; the others' is stored",
             {{"device", hello != nullptr ? hello->device : std::get<Arrival>(item.what).device},
              {"seq", hello != nullptr ? 0 : std::get<Arrival>(item.what).seq},
              {"error", std::string(status.message())}});
  }
  return absl::OkStatus();
}

absl::Status IngestQueue::RunItem(Item& item) {
  if (const auto* hello = std::get_if<EpochHello>(&item.what)) {
    CANDOR_ASSIGN_OR_RETURN(item.result, appender_.Open(*hello));
  } else {
    CANDOR_ASSIGN_OR_RETURN(item.result, appender_.Append(std::get<Arrival>(item.what)));
  }
  return absl::OkStatus();
}

void IngestQueue::GroupDone(const absl::Status& status, std::shared_ptr<Group> group) {
  if (status.ok()) {
    appender_.Committed();
    if (appender_.head() > 0 && committed_) committed_(appender_.head());
  } else {
    appender_.Abandoned();
    if (group->empty()) Take(*group);  // the transaction failed before our request ran
    for (Item& item : *group) item.result = status;
  }
  size_t bytes = 0;
  for (const Item& item : *group) bytes += item.bytes;
  stats_.pending_bytes -= bytes;
  {
    std::lock_guard lock(answer_mutex_);
    answered_.push_back(std::move(group));
  }
  answer_wake_.notify_one();
}

void IngestQueue::AnswerLoop() {
  std::vector<std::shared_ptr<Group>> groups;
  for (;;) {
    {
      std::unique_lock lock(answer_mutex_);
      answer_wake_.wait(lock, [this] { return stopping_ || !answered_.empty(); });
      if (answered_.empty()) return;
      groups.swap(answered_);
    }
    for (const auto& group : groups) {
      for (const Item& item : *group) Deliver(item);
    }
    for (const auto& group : groups) {
      for (const Item& item : *group) item.listener->OnAnswered();
    }
    groups.clear();
  }
}

void IngestQueue::Deliver(const Item& item) {
  if (std::holds_alternative<EpochHello>(item.what)) {
    item.listener->OnOpened(item.result.ok()
                                ? absl::StatusOr<EpochPlace>(std::get<EpochPlace>(*item.result))
                                : item.result.status());
  } else {
    item.listener->OnAppended(item.result.ok()
                                  ? absl::StatusOr<BatchAnswer>(std::get<BatchAnswer>(*item.result))
                                  : item.result.status());
  }
}

}  // namespace candor
