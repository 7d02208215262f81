// Facts of one device over a span of time (an hour, a day): what windows add up to. The stored form
// is candor.store.v1.FactSet.
//
// Adding windows and merging facts commute and associate: counters add, histograms merge exactly,
// of gauges the latest (wall clock, epoch, seq) stays. So a fold may take its batches in any order
// and in any slices and ends with the same bytes. Value type, one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/columns.h"
#include "common/histogram.h"
#include "common/registry.h"

namespace candor::store::v1 {
class FactSet;
}

namespace candor {

constexpr size_t kActivityStates = 4;

// More than any FactSet can take: every metric with all its subjects and full histograms.
constexpr size_t kFactBytesMax = 256 << 20;

// Wraps instead of overflowing: what a laptop sends must not be able to do harm.
constexpr int64_t AddWrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// Where a gauge's value came from; the greatest wins.
struct Stamp {
  int64_t wall_ms = 0;  // skew-corrected
  uint64_t epoch = 0;
  uint64_t seq = 0;

  auto operator<=>(const Stamp&) const = default;
};

class FactAccumulator {
 public:
  // Windows with more than this are not folded: no minute of a laptop holds so much.
  static constexpr int64_t kWindowSumMax = int64_t{1} << 36;
  static constexpr uint64_t kWindowCountMax = uint64_t{1} << 32;
  // Of a metric with more subjects than this, those first by name are kept. A kept one is never
  // among the dropped of any part, so this too does not depend on the order of merging.
  static constexpr size_t kSubjectsMax = 256;

  void AddMinute(const Minute& minute);
  // `activity` is that of the window's minute; it is kept for metrics that are `active_only`.
  void AddWindow(const MetricEntry& metric, std::string_view subject, ActivityState activity,
                 int64_t sum, const Histogram& histogram, const Stamp& stamp);
  void Merge(const FactAccumulator& other);
  bool empty() const { return facts_.empty() && minutes_ == decltype(minutes_){}; }

  // DataLoss when the bytes are no FactSet or contradict themselves. `scratch` lends its memory.
  static absl::StatusOr<FactAccumulator> Parse(std::string_view bytes, store::v1::FactSet& scratch);
  static absl::StatusOr<FactAccumulator> Parse(std::string_view bytes);
  // Equal facts give equal bytes.
  std::string Serialize(store::v1::FactSet& scratch);
  std::string Serialize();

 private:
  struct Key {
    uint32_t metric;
    std::string subject;
    uint32_t activity;
    auto operator<=>(const Key&) const = default;
  };
  struct KeyView {
    uint32_t metric;
    std::string_view subject;
    uint32_t activity;
  };
  struct KeyLess {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      if (a.metric != b.metric) return a.metric < b.metric;
      const int order = std::string_view(a.subject).compare(std::string_view(b.subject));
      return order != 0 ? order < 0 : a.activity < b.activity;
    }
  };
  struct Fact {
    uint64_t windows = 0;
    int64_t sum = 0;
    Histogram histogram;
    Stamp last;  // gauges only: epoch is never 0

    bool gauge() const { return last.epoch != 0; }
  };
  void Trim();
  static void MergeInto(const Fact& from, Fact& to);
  void FillFrom(const store::v1::FactSet& set);

  std::array<uint64_t, kActivityStates> observed_s_{};
  std::array<uint64_t, kActivityStates> minutes_{};
  std::map<Key, Fact, KeyLess> facts_;
};

}  // namespace candor
