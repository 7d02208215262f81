#include "common/columns.h"

#include <google/protobuf/stubs/logging.h>

#include "candor/v1/envelope.pb.h"
#include "common/random.h"
#include "common/registry.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

const std::string kBoot(16, 'b');

Minute MinuteAt(int64_t wall_min) {
  return {wall_min, 60, wall_min * 60 - 1'000'000, kBoot, 60, ActivityState::kByInput};
}

Window Distribution(uint32_t number, const std::string& subject, std::vector<int64_t> values) {
  Window window{number, subject, 0, {}};
  for (const int64_t value : values) window.histogram.Add(value);
  return window;
}

// Minutes with every kind of metric, subjects and values from a seed.
std::vector<MinuteWindows> RandomMinutes(SeededRandom& random, int count) {
  std::vector<MinuteWindows> minutes;
  int64_t wall_min = 29'000'000;
  for (int i = 0; i < count; ++i) {
    wall_min += 1 + static_cast<int64_t>(random.Below(5));
    MinuteWindows m{MinuteAt(wall_min), {}};
    m.minute.activity = static_cast<ActivityState>(random.Below(4));
    m.minute.utc_offset_min = static_cast<int32_t>(random.Below(25)) * 60 - 720;
    for (const MetricEntry& entry : Metrics()) {
      if (random.Below(3) == 0) continue;
      Window window{entry.number, random.Below(2) == 0 ? "" : "mail", 0, {}};
      if (entry.kind == MetricKind::kDistribution) {
        for (uint64_t n = 1 + random.Below(20); n > 0; --n) {
          window.histogram.Add(static_cast<int64_t>(random.Below(1'000'000)));
        }
      } else {
        window.sum = static_cast<int64_t>(random.Below(1'000'000)) - 10;
      }
      m.windows.push_back(std::move(window));
    }
    minutes.push_back(std::move(m));
  }
  return minutes;
}

v1::Contents Encoded(const std::vector<MinuteWindows>& minutes) {
  v1::Contents contents;
  EncodeWindows(minutes, contents);
  return contents;
}

v1::Contents Small() {
  return Encoded({{MinuteAt(100'000'000),
                   {Distribution(metric::kRtt, "mail", {20'000, 21'000, 500'000}),
                    Distribution(metric::kRtt, "wiki", {9'000}),
                    Window{metric::kSegmentsSent, "", 1'000, {}}}},
                  {MinuteAt(100'000'001), {Distribution(metric::kRtt, "mail", {30'000})}}});
}

}  // namespace

TEST_CASE("windows come back from their columns as they were") {
  SeededRandom random(GENERATE(1u, 2u, 3u));
  const std::vector<MinuteWindows> minutes = RandomMinutes(random, 40);
  const auto decoded = DecodeWindows(Encoded(minutes));
  REQUIRE_OK(decoded);
  REQUIRE(*decoded == minutes);
}

TEST_CASE("columns survive the wire and stay small") {
  const v1::Contents contents = Small();
  v1::Contents parsed;
  REQUIRE(parsed.ParseFromString(contents.SerializeAsString()));
  REQUIRE(DecodeWindows(parsed)->at(0).windows.size() == 3);
  // Lists that say nothing are not sent.
  for (const v1::MetricColumns& columns : contents.metrics()) {
    if (columns.metric() == metric::kSegmentsSent) {
      REQUIRE(columns.subject_size() == 0);
      REQUIRE(columns.count_size() == 0);
    } else {
      REQUIRE(columns.zero_count_size() == 0);
    }
  }
}

TEST_CASE("events that are there before keep their strings and boots") {
  v1::Contents contents;
  REQUIRE(InternBoot(std::string(16, 'a'), contents) == 0);
  contents.add_strings("");
  contents.add_strings("mail");
  EncodeWindows({{MinuteAt(30'000'000), {Distribution(metric::kRtt, "mail", {1})}}}, contents);
  REQUIRE(contents.boots_size() == 2);
  REQUIRE(contents.strings_size() == 2);
  REQUIRE(DecodeWindows(contents)->at(0).minute.boot_id == kBoot);
}

TEST_CASE("a metric of a newer version is kept and visited") {
  v1::Contents contents = Small();
  contents.mutable_metrics(0)->set_metric(9'999);
  REQUIRE_OK(ValidateColumns(contents));
  class Count final : public WindowVisitor {
   public:
    void OnWindow(const Minute&, uint32_t number, std::string_view, int64_t,
                  const Histogram& histogram) override {
      if (number == 9'999 && !histogram.empty()) ++seen;
    }
    int seen = 0;
  } count;
  VisitWindows(contents, count);
  REQUIRE(count.seen == 3);
}

TEST_CASE("a newer version's lists of a metric unknown here are passed over, its neighbours read") {
  const auto spoil = GENERATE(
      +[](v1::MetricColumns& m) { m.clear_sum_delta(); },
      +[](v1::MetricColumns& m) { m.clear_bucket_count(); },
      +[](v1::MetricColumns& m) { m.set_scale_delta(0, 20); },
      +[](v1::MetricColumns& m) { m.set_subject(0, 77); },
      +[](v1::MetricColumns& m) { m.set_minute_delta(0, 9); });
  v1::Contents contents = Small();
  v1::MetricColumns& newer = *contents.add_metrics();
  newer = contents.metrics(0);
  newer.set_metric(9'999);
  spoil(newer);
  REQUIRE_OK(ValidateColumns(contents));
  class Seen final : public WindowVisitor {
   public:
    void OnWindow(const Minute&, uint32_t number, std::string_view, int64_t,
                  const Histogram&) override {
      ++windows[number];
    }
    std::map<uint32_t, int> windows;
  } seen;
  VisitWindows(contents, seen);
  REQUIRE(seen.windows.contains(101));
  REQUIRE_FALSE(seen.windows.contains(9'999));
  newer.set_metric(101);
  REQUIRE_FALSE(ValidateColumns(contents).ok());
}

TEST_CASE("an activity of a newer version is kept and read as inactive") {
  const auto number = GENERATE(4U, 5U, 7U, 1'000'000U, ~0U);
  v1::Contents contents = Small();
  contents.mutable_minutes()->set_activity(0, number);
  REQUIRE_OK(ValidateColumns(contents));
  REQUIRE(DecodeMinutes(contents)[0].activity == ActivityState::kInactive);
  contents.mutable_minutes()->set_activity(0, 3);
  REQUIRE(DecodeMinutes(contents)[0].activity == ActivityState::kByUptime);
}

TEST_CASE("damaged columns are refused with the metric and the list that is wrong") {
  struct Case {
    const char* what;
    void (*spoil)(v1::Contents&);
    const char* message;
  };
  const auto c = GENERATE(
      Case{"no windows", [](v1::Contents& m) { m.mutable_metrics(0)->Clear(); }, "no windows"},
      Case{"sum too short",
           [](v1::Contents& m) { m.mutable_metrics(0)->mutable_sum_delta()->RemoveLast(); },
           "metric 101: sum"},
      Case{"subject too short",
           [](v1::Contents& m) { m.mutable_metrics(0)->mutable_subject()->RemoveLast(); },
           "metric 101: subject"},
      Case{"subject out of range",
           [](v1::Contents& m) { m.mutable_metrics(0)->set_subject(0, 77); },
           "metric 101: subject"},
      Case{"minute out of range",
           [](v1::Contents& m) { m.mutable_metrics(0)->set_minute_delta(0, 9); },
           "metric 101: minute"},
      Case{"minute before the first",
           [](v1::Contents& m) { m.mutable_metrics(0)->set_minute_delta(0, -1); },
           "metric 101: minute"},
      Case{"histogram lists differ", [](v1::Contents& m) { m.mutable_metrics(0)->add_range(1); },
           "metric 101: histogram lists"},
      Case{"bucket counts left over",
           [](v1::Contents& m) { m.mutable_metrics(0)->add_bucket_count(1); },
           "metric 101: bucket counts left over"},
      Case{"more buckets than counts",
           [](v1::Contents& m) { m.mutable_metrics(0)->set_buckets(0, 600); },
           "metric 101: a number or bucket"},
      Case{"counts do not add up", [](v1::Contents& m) { m.mutable_metrics(0)->set_count(0, 99); },
           "metric 101: histogram contradicts"},
      Case{"sum overflows",
           [](v1::Contents& m) {
             m.mutable_metrics(0)->set_sum_delta(0, INT64_MAX);
             m.mutable_metrics(0)->set_sum_delta(1, INT64_MAX);
           },
           "metric 101: "},
      Case{"range overflows",
           [](v1::Contents& m) { m.mutable_metrics(0)->set_range(0, UINT64_MAX); },
           "metric 101: histogram contradicts"},
      Case{"kind of another metric",
           [](v1::Contents& m) { m.mutable_metrics(0)->set_metric(metric::kSegmentsSent); },
           "another kind"},
      Case{"minutes' lists differ", [](v1::Contents& m) { m.mutable_minutes()->add_boot(0); },
           "minutes: lists"},
      Case{"boot out of range", [](v1::Contents& m) { m.mutable_minutes()->set_boot(0, 3); },
           "minutes: boot"},
      Case{"a minute of 61 seconds",
           [](v1::Contents& m) { m.mutable_minutes()->set_observed_s(0, 61); }, "60 seconds"},
      Case{"time out of range",
           [](v1::Contents& m) { m.mutable_minutes()->set_wall_min_delta(0, INT64_MAX); }, "time"},
      Case{"time before 1970",
           [](v1::Contents& m) { m.mutable_minutes()->set_wall_min_delta(0, -1); }, "time"},
      Case{"UTC offset of two days",
           [](v1::Contents& m) { m.mutable_minutes()->set_utc_offset_min_delta(0, 2'880); },
           "UTC offset"},
      Case{"boot id too short", [](v1::Contents& m) { m.set_boots(0, "short"); }, "boot id"});
  INFO(c.what);
  v1::Contents contents = Small();
  c.spoil(contents);
  const absl::Status status = ValidateColumns(contents);
  INFO(status.ToString());
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(std::string(status.message()).find(c.message) != std::string::npos);
}

TEST_CASE("each limit of a batch's columns holds just under and refuses just over") {
  SECTION("minutes") {
    std::vector<MinuteWindows> minutes;
    for (size_t i = 0; i < ColumnLimits::kMinutesMax; ++i) {
      minutes.push_back({MinuteAt(30'000'000 + static_cast<int64_t>(i)), {}});
    }
    REQUIRE_OK(ValidateColumns(Encoded(minutes)));
    minutes.push_back({MinuteAt(31'000'000), {}});
    REQUIRE(ValidateColumns(Encoded(minutes)).code() == absl::StatusCode::kOutOfRange);
  }
  SECTION("windows") {
    v1::Contents contents = Encoded({{MinuteAt(30'000'000), {}}});
    v1::MetricColumns* columns = contents.add_metrics();
    columns->set_metric(metric::kSegmentsSent);
    for (size_t i = 0; i < ColumnLimits::kWindowsMax; ++i) {
      columns->add_minute_delta(0);
      columns->add_sum_delta(1);
    }
    REQUIRE_OK(ValidateColumns(contents));
    columns->add_minute_delta(0);
    columns->add_sum_delta(1);
    REQUIRE(ValidateColumns(contents).code() == absl::StatusCode::kOutOfRange);
  }
  SECTION("strings") {
    v1::Contents contents = Small();
    while (contents.strings_size() < static_cast<int>(ColumnLimits::kStringsMax)) {
      contents.add_strings("x");
    }
    REQUIRE_OK(ValidateColumns(contents));
    contents.add_strings("x");
    REQUIRE(ValidateColumns(contents).code() == absl::StatusCode::kOutOfRange);
  }
  SECTION("a string's bytes") {
    v1::Contents contents = Small();
    contents.add_strings(std::string(ColumnLimits::kStringBytesMax, 'x'));
    REQUIRE_OK(ValidateColumns(contents));
    contents.add_strings(std::string(ColumnLimits::kStringBytesMax + 1, 'x'));
    REQUIRE(ValidateColumns(contents).code() == absl::StatusCode::kOutOfRange);
  }
  SECTION("boots") {
    v1::Contents contents = Small();
    while (contents.boots_size() < static_cast<int>(ColumnLimits::kBootsMax)) {
      contents.add_boots(std::string(16, 'x'));
    }
    REQUIRE_OK(ValidateColumns(contents));
    contents.add_boots(std::string(16, 'y'));
    REQUIRE(ValidateColumns(contents).code() == absl::StatusCode::kOutOfRange);
  }
}

TEST_CASE("random bytes never pass for columns, nor end the program") {
  const google::protobuf::LogSilencer quiet;
  SeededRandom random(77);
  const std::string good = Small().SerializeAsString();
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (uint64_t flips = 1 + random.Below(4); flips > 0; --flips) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    }
    v1::Contents contents;
    if (!contents.ParseFromString(bytes)) continue;
    if (ValidateColumns(contents).ok()) REQUIRE_OK(DecodeWindows(contents));
  }
}

}  // namespace candor
