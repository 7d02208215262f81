// What a stream hands to the committer and what it gets back: plain values, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "collector/store/schema.h"

namespace candor {

// A stream's Hello, as far as the log is concerned.
struct EpochHello {
  int64_t device = 0;
  uint64_t epoch = 0;
  uint64_t first_held = 0;
  uint64_t last_sealed = 0;
  std::string agent_version;
  int64_t received_ms = 0;
  int64_t skew_ms = 0;
};

// Where the collector stands in that epoch.
struct EpochPlace {
  // What Welcome says: the first place the laptop should send. See LogAppender::Open.
  uint64_t next_seq = 1;
  bool forked = false;
  // Places that the laptop no longer holds and the collector never got.
  uint64_t lost_places = 0;
};

// One batch after BatchCheck. `sealed` is empty where the batch is refused.
struct Arrival {
  int64_t device = 0;
  uint64_t epoch = 0;
  uint64_t seq = 0;
  uint64_t seq_last = 0;
  LogKind kind = LogKind::kBatch;  // kBatch, kTombstone or kRefused
  std::string hash;                // SHA-256 of the bytes that came
  std::string chain_hash;          // empty where refused
  std::string predecessor;
  std::string sealed;
  int64_t received_ms = 0;
  int64_t skew_ms = 0;
  int refusal = 0;  // candor.v1.RefusalReason
  std::string detail;
};

enum class Verdict {
  kStored,
  kDuplicate,    // its place was taken before, by the same bytes as far as can be told
  kRefused,      // never acceptable: recorded, will not be asked for again
  kQuarantined,  // kept apart: the epoch has forked
  kAhead,        // a place before it is missing: not stored, not acknowledged
};

// More than any laptop ever seals: said in Welcome, it makes the laptop begin a new epoch.
constexpr uint64_t kBeyondEverySeq = uint64_t{1} << 62;

struct BatchAnswer {
  Verdict verdict = Verdict::kStored;
  uint64_t seq = 0;
  uint64_t through = 0;   // for Ack, all verdicts but kAhead
  uint64_t expected = 0;  // kAhead
  int refusal = 0;        // kRefused
  std::string detail;     // kRefused
  // kQuarantined: the fork is settled, the laptop should go on in a new epoch.
  bool settled = false;
};

}  // namespace candor
