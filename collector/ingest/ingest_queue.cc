#include "collector/ingest/ingest_queue.h"

#include <utility>

#include "common/status.h"

namespace candor {

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
      [this, group](absl::Status status) { GroupDone(status, group); });
}

void IngestQueue::Take(Group& group) {
  std::lock_guard lock(mutex_);
  group.swap(waiting_);
}

absl::Status IngestQueue::RunGroup(Database& db, Group& group) {
  CANDOR_RETURN_IF_ERROR(appender_.Begin(db));
  for (Item& item : group) {
    if (const auto* hello = std::get_if<EpochHello>(&item.what)) {
      CANDOR_ASSIGN_OR_RETURN(item.result, appender_.Open(*hello));
    } else {
      CANDOR_ASSIGN_OR_RETURN(item.result, appender_.Append(std::get<Arrival>(item.what)));
    }
  }
  return appender_.End();
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
