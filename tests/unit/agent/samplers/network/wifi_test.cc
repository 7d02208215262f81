#include "agent/samplers/network/wifi.h"

#include <filesystem>
#include <fstream>

#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using Station = std::optional<WifiStation>;
using Minute = WifiWatch::Minute;
using Key = testing::RecordingRecorder::Key;

WifiStation At(uint64_t access_point, uint32_t connected_s) {
  WifiStation station;
  station.access_point = access_point;
  station.connected_s = connected_s;
  station.signal_dbm = -61;
  station.rate_100kbit = 8667;
  station.sent = connected_s * 100;
  station.retried = connected_s * 10;
  station.failed = connected_s;
  station.beacons_lost = 0;
  return station;
}

// Readings a minute apart.
class Minutes {
 public:
  Minute Next(const Station& station, bool switched_on = true, int64_t elapsed_ms = 60'000,
              int64_t slept_ms = 0) {
    monotonic_ms_ += elapsed_ms;
    boottime_ms_ += elapsed_ms + slept_ms;
    return watch_.Update(station, switched_on, monotonic_ms_, boottime_ms_);
  }

 private:
  WifiWatch watch_;
  int64_t monotonic_ms_ = 5'000;
  int64_t boottime_ms_ = 9'000;
};

TEST_CASE("the first reading sets the ground and later ones tell differences") {
  Minutes minutes;
  CHECK_FALSE(minutes.Next(At(1, 1'000)).watched);
  const Minute minute = minutes.Next(At(1, 1'060));
  CHECK(minute.watched);
  CHECK(minute.sent == 6'000);
  CHECK(minute.retried == 600);
  CHECK(minute.failed == 60);
  CHECK(minute.beacons_lost == 0);
  CHECK(minute.drops == 0);
  CHECK(minute.roams == 0);
}

TEST_CASE("another access point is a roam, the same one anew is a drop") {
  Minutes minutes;
  minutes.Next(At(1, 1'000));
  const Minute roamed = minutes.Next(At(2, 20));
  CHECK(roamed.roams == 1);
  CHECK(roamed.drops == 0);
  CHECK(roamed.sent == 2'000);  // all of it since the change
  const Minute dropped = minutes.Next(At(2, 30));
  CHECK(dropped.roams == 0);
  CHECK(dropped.drops == 1);
  CHECK(dropped.sent == 3'000);
  CHECK(minutes.Next(At(2, 89)).drops == 0);  // the kernel counts whole seconds
}

TEST_CASE("a connection that is gone is a drop, unless somebody switched the Wi-Fi off") {
  Minutes minutes;
  minutes.Next(At(1, 1'000));
  CHECK(minutes.Next({}).drops == 1);
  CHECK(minutes.Next({}).drops == 0);
  const Minute back = minutes.Next(At(1, 15));
  CHECK(back.drops == 0);
  CHECK(back.sent == 1'500);
  const Minute off = minutes.Next({}, /*switched_on=*/false);
  CHECK(off.watched);
  CHECK(off.drops == 0);
}

TEST_CASE("what happened over a suspend or a gap is nobody's fault") {
  Minutes minutes;
  minutes.Next(At(1, 1'000));
  const Minute slept = minutes.Next(At(2, 5), true, 60'000, 3'600'000);
  CHECK_FALSE(slept.watched);
  CHECK(slept.roams == 0);
  CHECK(minutes.Next(At(2, 65)).sent == 6'000);
  const Minute gap = minutes.Next({}, true, WifiWatch::kGapMsMax + 1);
  CHECK_FALSE(gap.watched);
  CHECK(gap.drops == 0);
  minutes.Next(At(2, 1));
  CHECK(minutes.Next(At(2, 151), true, WifiWatch::kGapMsMax).watched);
}

TEST_CASE("counts that a driver does not tell stay untold, and none goes below zero") {
  Minutes minutes;
  WifiStation mute = At(1, 1'000);
  mute.retried.reset();
  minutes.Next(mute);
  CHECK_FALSE(minutes.Next(mute).retried);
  // Told from now on: how much of it belongs to this minute is not known.
  WifiStation told = At(1, 1'120);
  told.sent = 3;
  const Minute minute = minutes.Next(told);
  CHECK_FALSE(minute.retried);
  CHECK(minute.sent == 0);
}

class FakeSource final : public WifiSource {
 public:
  explicit FakeSource(absl::StatusOr<Station>& answer) : answer_(answer) {}
  absl::StatusOr<Station> Read(uint32_t index) override {
    if (index != 7) return absl::InvalidArgumentError("another interface");
    return answer_;
  }

 private:
  absl::StatusOr<Station>& answer_;
};

struct Radio {
  Radio() {
    const std::filesystem::path wlan = std::filesystem::path(folder.path()) / "class/net/wlan0";
    std::filesystem::create_directories(wlan);
    std::ofstream(wlan / "ifindex") << "7\n";
    std::ofstream(wlan / "flags") << "0x1003\n";
  }
  void SampleAfter(int64_t ms, const std::vector<Link>& links) {
    now_ms += ms;
    part.Sample(links, now_ms, now_ms);
  }
  testing::TempFolder folder;
  testing::RecordingRecorder recorder;
  absl::StatusOr<Station> answer = Station(At(1, 1'000));
  WifiPart part{recorder, folder.path(), std::make_unique<FakeSource>(answer)};
  int64_t now_ms = 0;
};

const std::vector<Link> kLinks = {{.name = "eth0", .medium = "wired", .up = true},
                                  {.name = "wlan0", .medium = "wireless", .up = true}};

TEST_CASE("a minute of Wi-Fi is recorded in the units of the registry") {
  Radio radio;
  radio.SampleAfter(0, kLinks);
  radio.answer = Station(At(2, 30));
  radio.SampleAfter(60'000, kLinks);
  auto& recorder = radio.recorder;
  CHECK(recorder.recorded[{metric::kWifiSignal, ""}] == std::vector<int64_t>{61, 61});
  CHECK(recorder.recorded[{metric::kWifiRate, ""}] == std::vector<int64_t>{8667, 8667});
  CHECK(recorder.counted[{metric::kWifiFramesSent, ""}] == 3'000);
  CHECK(recorder.counted[{metric::kWifiFramesRetried, ""}] == 300);
  CHECK(recorder.counted[{metric::kWifiFramesFailed, ""}] == 30);
  CHECK(recorder.counted[{metric::kWifiRoams, ""}] == 1);
  CHECK(recorder.counted.contains(Key{metric::kWifiDrops, ""}));
  CHECK(recorder.watched[std::string(watch::kWifi)] == 60'000);
  CHECK(recorder.unmeasured.empty());
}

TEST_CASE("what the driver does not tell is unmeasured with its reason, and no zero") {
  Radio radio;
  WifiStation silent;
  silent.access_point = 1;
  radio.answer = Station(silent);
  radio.SampleAfter(0, kLinks);
  radio.SampleAfter(60'000, kLinks);
  auto& recorder = radio.recorder;
  CHECK(recorder.recorded.empty());
  CHECK(recorder.counted.size() == 2);  // drops and roams
  for (const uint32_t what : {metric::kWifiSignal, metric::kWifiRate, metric::kWifiFramesSent,
                              metric::kWifiBeaconsLost}) {
    CHECK(recorder.unmeasured[Key{what, ""}] == "the Wi-Fi driver does not tell");
  }
}

TEST_CASE("a machine without Wi-Fi, and one that is a hotspot, say so") {
  Radio radio;
  radio.SampleAfter(0, {kLinks[0]});
  CHECK(radio.recorder.unmeasured[Key{metric::kWifiSignal, ""}] == "this machine has no Wi-Fi");
  CHECK(radio.recorder.unmeasured.size() == 8);
  radio.answer = absl::FailedPreconditionError("a hotspot");
  radio.SampleAfter(60'000, kLinks);
  CHECK(radio.recorder.unmeasured[Key{metric::kWifiDrops, ""}] == "a hotspot");
  CHECK(radio.recorder.counted.empty());
  radio.answer = Station(At(1, 10));
  radio.SampleAfter(60'000, kLinks);
  CHECK(radio.recorder.unmeasured.empty());
  CHECK(radio.recorder.counted.empty());  // the ground for later
}

TEST_CASE("the real kernel either has nl80211 or its absence is told in plain words") {
  auto source = OpenWifi();
  if (!source.ok()) {
    CHECK(absl::IsNotFound(source.status()));
    CHECK(source.status().message().find("no nl80211") != absl::string_view::npos);
    testing::RecordingRecorder recorder;
    WifiPart part(recorder, "/sys");
    part.Sample(kLinks, 0, 0);
    CHECK(recorder.unmeasured[Key{metric::kWifiSignal, ""}] == source.status().message());
  } else {
    CHECK_FALSE((*source)->Read(1).ok());  // loopback is no radio
  }
}

}  // namespace
}  // namespace candor
