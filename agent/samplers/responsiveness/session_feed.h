// From what the helpers in desktop sessions report to metrics and events. One thread.
//
// Whatever a helper says is held to bounds: durations, counts and names of a laptop's own making
// cannot grow without end. Programs are told under the names that the caller looked up.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/samplers/recorder.h"
#include "candor/v1/local.pb.h"
#include "common/clock.h"

namespace candor {

struct SessionFeedLimits {
  static constexpr int kProgramsMax = 64;  // of one report
  static constexpr int kRepliesMax = 1'000;
  static constexpr int kHangsMax = 64;
  static constexpr int kLaunchesMax = 64;
  static constexpr int64_t kHangMsMax = 24 * 3'600'000;
  static constexpr int64_t kLaunchUsMax = 600'000'000;
  static constexpr int64_t kSignInUsMax = 600'000'000;
  static constexpr int64_t kReplyUsMax = 5'000'000;  // from there on it is a hang
};

class SessionFeed {
 public:
  // Both must outlive the object.
  SessionFeed(Recorder& recorder, const Clock& clock);

  // `names` has one entry for each program of the report, in its order.
  void Take(size_t peer, const v1::SessionReport& report, std::span<const std::string> names);

  // After all reports of a tick: how long windows were watched, and what nobody measures. `peers`
  // are the helpers connected now.
  void EndTick(std::span<const size_t> peers);

 private:
  void TakeSignIn(const v1::SessionReport::SignedIn& sign_in);
  void TakeProgram(const v1::SessionReport::Program& program, const std::string& name);
  void TellMeasured(std::span<const size_t> peers);

  Recorder& recorder_;
  const Clock& clock_;
  std::map<std::string, int64_t> hang_ms_;  // by program: what is less than a second, carried
  std::map<size_t, int64_t> watched_ms_;    // by helper, since the last EndTick
  // By helper: what it cannot measure, and why.
  std::map<size_t, std::map<uint32_t, std::string>> unmeasured_;
};

}  // namespace candor
