#include "common/columns.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

// Adds to a delta-coded list what `value` differs from the value before.
template <typename List, typename T>
void AddDelta(List* list, T& previous, T value) {
  list->Add(value - previous);
  previous = value;
}

class StringTable {
 public:
  explicit StringTable(v1::Contents& contents) : contents_(contents) {
    if (contents.strings_size() == 0) contents.add_strings("");
    for (int i = 0; i < contents.strings_size(); ++i) {
      index_.emplace(contents.strings(i), static_cast<uint32_t>(i));
    }
  }
  uint32_t Intern(const std::string& text) {
    const auto [at, added] = index_.emplace(text, static_cast<uint32_t>(contents_.strings_size()));
    if (added) contents_.add_strings(text);
    return at->second;
  }

 private:
  v1::Contents& contents_;
  std::unordered_map<std::string, uint32_t> index_;
};

// What delta coding of one metric's lists has to remember between windows.
struct ColumnWriter {
  v1::MetricColumns columns;
  MetricKind kind = MetricKind::kDistribution;
  int32_t minute = 0;
  int64_t sum = 0;
  int64_t min = 0;
  int32_t scale = 0;
  int32_t offset = 0;

  void Add(int32_t at_minute, uint32_t subject, const Window& window) {
    AddDelta(columns.mutable_minute_delta(), minute, at_minute);
    columns.add_subject(subject);
    if (kind != MetricKind::kDistribution) {
      AddDelta(columns.mutable_sum_delta(), sum, window.sum);
      return;
    }
    const Histogram& h = window.histogram;
    AddDelta(columns.mutable_sum_delta(), sum, h.sum());
    columns.add_count(h.count());
    AddDelta(columns.mutable_min_delta(), min, h.min());
    columns.add_range(static_cast<uint64_t>(h.max() - h.min()));
    AddDelta(columns.mutable_scale_delta(), scale, int32_t{h.scale()});
    columns.add_zero_count(h.zero_count());
    AddDelta(columns.mutable_offset_delta(), offset, h.offset());
    columns.add_buckets(static_cast<uint32_t>(h.buckets().size()));
    for (const uint64_t n : h.buckets()) columns.add_bucket_count(n);
  }

  // A list that says nothing is not sent.
  void Finish() {
    const auto all_zero = [](const auto& list) {
      return std::all_of(list.begin(), list.end(), [](auto v) { return v == 0; });
    };
    if (all_zero(columns.subject())) columns.clear_subject();
    if (all_zero(columns.zero_count())) columns.clear_zero_count();
  }
};

void EncodeMinutes(const std::vector<MinuteWindows>& minutes, v1::Contents& contents) {
  v1::Minutes* out = contents.mutable_minutes();
  int64_t wall = 0;
  int32_t offset = 0;
  int64_t boottime = 0;
  for (const MinuteWindows& m : minutes) {
    AddDelta(out->mutable_wall_min_delta(), wall, m.minute.wall_min);
    AddDelta(out->mutable_utc_offset_min_delta(), offset, m.minute.utc_offset_min);
    AddDelta(out->mutable_boottime_s_delta(), boottime, m.minute.boottime_s);
    out->add_boot(InternBoot(m.minute.boot_id, contents));
    out->add_observed_s(m.minute.observed_s);
    out->add_activity(static_cast<uint32_t>(m.minute.activity));
  }
}

absl::Status ColumnError(uint32_t metric, std::string_view what) {
  return absl::InvalidArgumentError("metric " + std::to_string(metric) + ": " + std::string(what));
}

absl::Status ValidateMinutes(const v1::Contents& contents) {
  const v1::Minutes& minutes = contents.minutes();
  const int n = minutes.wall_min_delta_size();
  if (n > static_cast<int>(ColumnLimits::kMinutesMax)) {
    return absl::OutOfRangeError("batch with " + std::to_string(n) + " minutes, limit " +
                                 std::to_string(ColumnLimits::kMinutesMax));
  }
  if (minutes.utc_offset_min_delta_size() != n || minutes.boottime_s_delta_size() != n ||
      minutes.boot_size() != n || minutes.observed_s_size() != n || minutes.activity_size() != n) {
    return absl::InvalidArgumentError("minutes: lists of different lengths");
  }
  int64_t wall = 0;
  int64_t offset = 0;
  int64_t boottime = 0;
  constexpr int64_t kWallMinMax = int64_t{1} << 32;  // year 10136
  constexpr int64_t kBoottimeMax = int64_t{1} << 36;
  for (int i = 0; i < n; ++i) {
    // Each delta is bounded first, so that no sum overflows.
    if (std::abs(minutes.wall_min_delta(i) / 2) > kWallMinMax ||
        std::abs(minutes.boottime_s_delta(i) / 2) > kBoottimeMax) {
      return absl::InvalidArgumentError("minutes: time out of range");
    }
    wall += minutes.wall_min_delta(i);
    offset += minutes.utc_offset_min_delta(i);
    boottime += minutes.boottime_s_delta(i);
    if (wall < 0 || wall > kWallMinMax || boottime < 0 || boottime > kBoottimeMax) {
      return absl::InvalidArgumentError("minutes: time out of range");
    }
    if (offset < -1'440 || offset > 1'440) {
      return absl::InvalidArgumentError("minutes: UTC offset out of range");
    }
    if (minutes.boot(i) >= static_cast<uint32_t>(contents.boots_size())) {
      return absl::InvalidArgumentError("minutes: boot out of range");
    }
    if (minutes.observed_s(i) > 60) {
      return absl::InvalidArgumentError("minutes: more than 60 seconds in a minute");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateTables(const v1::Contents& contents) {
  if (contents.strings_size() > static_cast<int>(ColumnLimits::kStringsMax)) {
    return absl::OutOfRangeError("batch with " + std::to_string(contents.strings_size()) +
                                 " strings, limit " + std::to_string(ColumnLimits::kStringsMax));
  }
  for (const std::string& text : contents.strings()) {
    if (text.size() > ColumnLimits::kStringBytesMax) {
      return absl::OutOfRangeError("string of " + std::to_string(text.size()) + " bytes, limit " +
                                   std::to_string(ColumnLimits::kStringBytesMax));
    }
  }
  if (contents.boots_size() > static_cast<int>(ColumnLimits::kBootsMax)) {
    return absl::OutOfRangeError("batch with " + std::to_string(contents.boots_size()) +
                                 " boots, limit " + std::to_string(ColumnLimits::kBootsMax));
  }
  for (const std::string& boot : contents.boots()) {
    if (boot.size() != 16) return absl::InvalidArgumentError("boot id is not 16 bytes");
  }
  return absl::OkStatus();
}

// The lists' lengths, which every later step relies on.
absl::Status ValidateLengths(const v1::MetricColumns& c) {
  const int n = c.minute_delta_size();
  if (n == 0) return ColumnError(c.metric(), "no windows");
  if (c.sum_delta_size() != n) return ColumnError(c.metric(), "sum: wrong length");
  if (c.subject_size() != 0 && c.subject_size() != n) {
    return ColumnError(c.metric(), "subject: wrong length");
  }
  const bool distribution = c.count_size() != 0;
  const MetricEntry* entry = FindMetric(c.metric());
  if (entry != nullptr && (entry->kind == MetricKind::kDistribution) != distribution) {
    return ColumnError(c.metric(), "lists of another kind of metric");
  }
  if (!distribution) {
    const bool clean = c.min_delta_size() == 0 && c.range_size() == 0 &&
                       c.scale_delta_size() == 0 && c.zero_count_size() == 0 &&
                       c.offset_delta_size() == 0 && c.buckets_size() == 0 &&
                       c.bucket_count_size() == 0;
    return clean ? absl::OkStatus() : ColumnError(c.metric(), "buckets without counts");
  }
  if (c.count_size() != n || c.min_delta_size() != n || c.range_size() != n ||
      c.scale_delta_size() != n || c.offset_delta_size() != n || c.buckets_size() != n ||
      (c.zero_count_size() != 0 && c.zero_count_size() != n)) {
    return ColumnError(c.metric(), "histogram lists of different lengths");
  }
  return absl::OkStatus();
}

// Reads one metric's lists window by window; nothing is checked that ValidateLengths has.
class ColumnReader {
 public:
  explicit ColumnReader(const v1::MetricColumns& columns) : c_(columns) {}

  int windows() const { return c_.minute_delta_size(); }
  bool distribution() const { return c_.count_size() != 0; }

  // Moves to the next window. False when minute, bucket counts or a number is out of range.
  bool Next() {
    const int i = at_++;
    minute_ += c_.minute_delta(i);
    subject_ = c_.subject_size() == 0 ? 0 : c_.subject(i);
    if (__builtin_add_overflow(sum_, c_.sum_delta(i), &sum_)) return false;
    if (!distribution()) return true;
    if (__builtin_add_overflow(min_, c_.min_delta(i), &min_)) return false;
    scale_ += c_.scale_delta(i);
    offset_ += c_.offset_delta(i);
    buckets_ = c_.buckets(i);
    const auto left = static_cast<uint32_t>(c_.bucket_count_size() - bucket_at_);
    if (buckets_ > Histogram::kBucketsMax || buckets_ > left) return false;
    bucket_at_ += static_cast<int>(buckets_);
    return true;
  }
  bool AllBucketsRead() const { return bucket_at_ == c_.bucket_count_size(); }

  int64_t minute() const { return minute_; }
  uint32_t subject() const { return subject_; }
  int64_t sum() const { return sum_; }

  std::optional<Histogram> MakeHistogram() const {
    if (scale_ < Histogram::kScaleMin || scale_ > Histogram::kScaleMax) return std::nullopt;
    if (offset_ < std::numeric_limits<int32_t>::min() / 2 ||
        offset_ > std::numeric_limits<int32_t>::max() / 2) {
      return std::nullopt;
    }
    const int i = at_ - 1;
    Histogram::Parts parts;
    parts.count = c_.count(i);
    parts.sum = sum_;
    parts.min = min_;
    if (c_.range(i) > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
        __builtin_add_overflow(min_, static_cast<int64_t>(c_.range(i)), &parts.max)) {
      return std::nullopt;
    }
    parts.zero_count = c_.zero_count_size() == 0 ? 0 : c_.zero_count(i);
    parts.scale = static_cast<int>(scale_);
    parts.offset = static_cast<int32_t>(offset_);
    const auto end = c_.bucket_count().begin() + bucket_at_;
    parts.buckets.assign(end - static_cast<int>(buckets_), end);
    return Histogram::FromParts(std::move(parts));
  }

 private:
  const v1::MetricColumns& c_;
  int at_ = 0;
  int bucket_at_ = 0;
  int64_t minute_ = 0;
  uint32_t subject_ = 0;
  int64_t sum_ = 0;
  int64_t min_ = 0;
  int64_t scale_ = 0;
  int64_t offset_ = 0;
  uint32_t buckets_ = 0;
};

absl::Status ValidateWindows(const v1::MetricColumns& columns, const v1::Contents& contents) {
  const int minutes = contents.minutes().wall_min_delta_size();
  const int strings = contents.strings_size();
  ColumnReader reader(columns);
  for (int i = 0; i < reader.windows(); ++i) {
    if (!reader.Next()) return ColumnError(columns.metric(), "a number or bucket is out of range");
    if (reader.minute() < 0 || reader.minute() >= minutes) {
      return ColumnError(columns.metric(), "minute: out of range");
    }
    if (reader.subject() >= static_cast<uint32_t>(std::max(strings, 1))) {
      return ColumnError(columns.metric(), "subject: out of range");
    }
    if (reader.distribution() && !reader.MakeHistogram()) {
      return ColumnError(columns.metric(), "histogram contradicts itself");
    }
  }
  if (!reader.AllBucketsRead()) return ColumnError(columns.metric(), "bucket counts left over");
  return absl::OkStatus();
}

absl::Status ValidateMetric(const v1::MetricColumns& columns, const v1::Contents& contents) {
  CANDOR_RETURN_IF_ERROR(ValidateLengths(columns));
  return ValidateWindows(columns, contents);
}

// A metric of a newer version may have lists of a kind that does not exist here yet.
bool Readable(const v1::MetricColumns& columns, const v1::Contents& contents) {
  return FindMetric(columns.metric()) != nullptr || ValidateMetric(columns, contents).ok();
}

// What an activity of a newer version means is not known, so nobody is said to have worked.
ActivityState ActivityOf(uint32_t number) {
  const bool known = number <= static_cast<uint32_t>(ActivityState::kByUptime);
  return known ? static_cast<ActivityState>(number) : ActivityState::kInactive;
}

}  // namespace

uint32_t InternBoot(std::string_view boot_id, v1::Contents& contents) {
  for (int i = contents.boots_size(); i-- > 0;) {
    if (contents.boots(i) == boot_id) return static_cast<uint32_t>(i);
  }
  contents.add_boots(boot_id.data(), boot_id.size());
  return static_cast<uint32_t>(contents.boots_size() - 1);
}

void EncodeWindows(const std::vector<MinuteWindows>& minutes, v1::Contents& contents) {
  EncodeMinutes(minutes, contents);
  StringTable strings(contents);
  std::map<uint32_t, ColumnWriter> writers;
  for (size_t i = 0; i < minutes.size(); ++i) {
    for (const Window& window : minutes[i].windows) {
      const auto [at, added] = writers.try_emplace(window.metric);
      ColumnWriter& writer = at->second;
      if (added) {
        const MetricEntry* entry = FindMetric(window.metric);
        // A sampler that emits what is not registered cannot be let loose.
        if (entry == nullptr) std::abort();
        writer.kind = entry->kind;
        writer.columns.set_metric(window.metric);
      }
      writer.Add(static_cast<int32_t>(i), strings.Intern(window.subject), window);
    }
  }
  for (auto& [metric, writer] : writers) {
    writer.Finish();
    contents.add_metrics()->Swap(&writer.columns);
  }
}

absl::Status ValidateColumns(const v1::Contents& contents) {
  CANDOR_RETURN_IF_ERROR(ValidateTables(contents));
  CANDOR_RETURN_IF_ERROR(ValidateMinutes(contents));
  size_t windows = 0;
  for (const v1::MetricColumns& columns : contents.metrics()) {
    windows += static_cast<size_t>(columns.minute_delta_size());
    if (windows > ColumnLimits::kWindowsMax) {
      return absl::OutOfRangeError("batch with more than " +
                                   std::to_string(ColumnLimits::kWindowsMax) + " windows");
    }
    if (columns.metric() != 0 && FindMetric(columns.metric()) == nullptr) continue;
    CANDOR_RETURN_IF_ERROR(ValidateMetric(columns, contents));
  }
  return absl::OkStatus();
}

std::vector<Minute> DecodeMinutes(const v1::Contents& contents) {
  const v1::Minutes& in = contents.minutes();
  std::vector<Minute> minutes(static_cast<size_t>(in.wall_min_delta_size()));
  int64_t wall = 0;
  int32_t offset = 0;
  int64_t boottime = 0;
  for (int i = 0; i < in.wall_min_delta_size(); ++i) {
    Minute& m = minutes[static_cast<size_t>(i)];
    m.wall_min = wall += in.wall_min_delta(i);
    m.utc_offset_min = offset += in.utc_offset_min_delta(i);
    m.boottime_s = boottime += in.boottime_s_delta(i);
    m.boot_id = contents.boots(static_cast<int>(in.boot(i)));
    m.observed_s = in.observed_s(i);
    m.activity = ActivityOf(in.activity(i));
  }
  return minutes;
}

void VisitWindows(const v1::Contents& contents, WindowVisitor& visitor) {
  VisitWindows(contents, DecodeMinutes(contents), visitor);
}

void VisitWindows(const v1::Contents& contents, const std::vector<Minute>& minutes,
                  WindowVisitor& visitor) {
  const Histogram none;
  for (const v1::MetricColumns& columns : contents.metrics()) {
    if (!Readable(columns, contents)) continue;
    ColumnReader reader(columns);
    for (int i = 0; i < reader.windows() && reader.Next(); ++i) {
      const std::string_view subject =
          contents.strings_size() == 0
              ? std::string_view()
              : std::string_view(contents.strings(static_cast<int>(reader.subject())));
      const Minute& minute = minutes[static_cast<size_t>(reader.minute())];
      if (!reader.distribution()) {
        visitor.OnWindow(minute, columns.metric(), subject, reader.sum(), none);
      } else if (const auto histogram = reader.MakeHistogram()) {
        visitor.OnWindow(minute, columns.metric(), subject, histogram->sum(), *histogram);
      }
    }
  }
}

absl::StatusOr<std::vector<MinuteWindows>> DecodeWindows(const v1::Contents& contents) {
  CANDOR_RETURN_IF_ERROR(ValidateColumns(contents));
  class Collector final : public WindowVisitor {
   public:
    explicit Collector(const std::vector<Minute>& minutes) {
      for (const Minute& m : minutes) out.push_back({m, {}});
    }
    void OnWindow(const Minute& minute, uint32_t metric, std::string_view subject, int64_t sum,
                  const Histogram& histogram) override {
      const auto at = std::find_if(out.begin(), out.end(),
                                   [&](const MinuteWindows& m) { return m.minute == minute; });
      at->windows.push_back({metric, std::string(subject), histogram.empty() ? sum : 0, histogram});
    }
    std::vector<MinuteWindows> out;
  };
  Collector collector(DecodeMinutes(contents));
  VisitWindows(contents, collector);
  return std::move(collector.out);
}

}  // namespace candor
