// Validation of one batch before it may be committed: size, frame, epoch, contents down to the last
// column and index, and its hashes. What fails is never an error but an Arrival of kind kRefused:
// it takes the place where it stood in its stream, so that nothing wedges. What is merely new here
// (contents, metrics, events, activities) is no mistake and keeps its bytes.
//
// A checker keeps the memory of the messages it parsed into; CheckerPool lends them, so that there
// are as many as checks run at once and not as many as streams. Checkers: one thread at a time.
// CheckerPool: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "collector/ingest/arrival.h"

namespace candor {

class BatchChecker {
 public:
  BatchChecker();
  ~BatchChecker();

  // `place` is where the next batch of the stream stands; used where the bytes do not tell. Fills
  // everything but device, received_ms and skew_ms.
  Arrival Check(std::string sealed, uint64_t epoch, uint64_t place);

 private:
  struct Messages;
  std::unique_ptr<Messages> messages_;
};

class CheckerPool {
 public:
  Arrival Check(std::string sealed, uint64_t epoch, uint64_t place);

 private:
  // Checkers kept while nobody uses them.
  static constexpr size_t kKeptMax = 8;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BatchChecker>> idle_;
};

}  // namespace candor
