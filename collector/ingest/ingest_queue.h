// Between the streams and the committer. Everything that waits goes into one request of the
// Writer's next group, in the order of arrival; answers come back after the commit, on a thread of
// the queue's own, so that writing to streams never delays the next commit.
//
// What cannot be stored for reasons of its own (a damaged row behind it) fails alone. A store that
// fails as such, a full disk say, fails the whole group.
//
// Thread-safe. The writer must outlive the queue; the destructor waits for what was submitted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/ingest/arrival.h"
#include "collector/ingest/log_appender.h"
#include "collector/ingest/stats.h"
#include "collector/store/writer.h"

namespace candor {

// A stream, as the queue knows it. Called on the queue's answer thread only; must not block.
class IngestListener {
 public:
  virtual ~IngestListener() = default;
  virtual void OnOpened(const absl::StatusOr<EpochPlace>& place) = 0;
  virtual void OnAppended(const absl::StatusOr<BatchAnswer>& answer) = 0;
  // After the last OnAppended of a commit, at least once.
  virtual void OnAnswered() = 0;
};

class IngestQueue {
 public:
  // `committed` is told log.id of the last row after each commit that wrote any; on the committer's
  // thread, must not block.
  IngestQueue(Writer& writer, IngestStats& stats, std::function<void(int64_t)> committed);
  ~IngestQueue();
  IngestQueue(const IngestQueue&) = delete;
  IngestQueue& operator=(const IngestQueue&) = delete;

  void Open(std::shared_ptr<IngestListener> listener, EpochHello hello);
  void Append(std::shared_ptr<IngestListener> listener, Arrival arrival);

 private:
  struct Item {
    std::shared_ptr<IngestListener> listener;
    std::variant<EpochHello, Arrival> what;
    absl::StatusOr<std::variant<EpochPlace, BatchAnswer>> result =
        absl::UnknownError("not yet run");
    size_t bytes = 0;
  };
  using Group = std::vector<Item>;

  void Add(Item item);
  void Take(Group& group);
  absl::Status RunGroup(Database& db, Group& group);
  absl::Status RunTogether(Database& db, Group& group);
  absl::Status RunOneByOne(Database& db, Group& group);
  absl::Status RunItem(Item& item);
  void GroupDone(const absl::Status& status, std::shared_ptr<Group> group);
  void AnswerLoop();
  static void Deliver(const Item& item);

  Writer& writer_;
  IngestStats& stats_;
  std::function<void(int64_t)> committed_;
  LogAppender appender_;  // committer's thread only

  std::mutex mutex_;
  Group waiting_;

  std::mutex answer_mutex_;
  std::condition_variable answer_wake_;
  std::vector<std::shared_ptr<Group>> answered_;
  bool stopping_ = false;
  std::thread answer_thread_;
};

}  // namespace candor
