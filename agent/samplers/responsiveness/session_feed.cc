#include "agent/samplers/responsiveness/session_feed.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/samplers/support/clean_text.h"
#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/time_units.h"

namespace candor {
namespace {

// All that only a helper can see.
constexpr std::array<uint32_t, 5> kFromSessions = {metric::kUiReply, metric::kHangSeconds,
                                                   metric::kLaunch, event::kHang, event::kSignIn};
constexpr std::string_view kNoSession = "candor-session does not run in a desktop session";
constexpr std::string_view kNotYet = "candor-session does not measure this yet";
constexpr size_t kReasonBytesMax = 200;
constexpr size_t kCarriedMax = 256;
// More than the ticks' own distance was not watched (the agent stood still).
constexpr int64_t kWatchedMsMax = 150'000;

}  // namespace

SessionFeed::SessionFeed(Recorder& recorder, const Clock& clock)
    : recorder_(recorder), clock_(clock) {}

void SessionFeed::Take(size_t peer, const v1::SessionReport& report,
                       std::span<const std::string> names) {
  const int programs = std::min(
      {report.programs_size(), static_cast<int>(names.size()), SessionFeedLimits::kProgramsMax});
  for (int i = 0; i < programs; ++i) {
    TakeProgram(report.programs(i), names[static_cast<size_t>(i)]);
  }
  for (int i = 0; i < std::min(report.hangs_size(), SessionFeedLimits::kHangsMax); ++i) {
    const v1::SessionReport::EndedHang& hang = report.hangs(i);
    if (hang.program() >= static_cast<uint32_t>(programs)) continue;
    const auto ago_ms = static_cast<int64_t>(
        std::min<uint64_t>(hang.began_ago_ms(), SessionFeedLimits::kHangMsMax));
    v1::Event event;
    event.set_wall_ms(clock_.WallMs() - ago_ms);
    event.set_utc_offset_min(clock_.UtcOffsetMin(event.wall_ms()));
    event.set_boottime_ms(std::max<int64_t>(0, clock_.BoottimeMs() - ago_ms));
    event.mutable_hang()->set_application(names[hang.program()]);
    event.mutable_hang()->set_duration_ms(
        std::min<uint64_t>(hang.duration_ms(), SessionFeedLimits::kHangMsMax));
    recorder_.Event(std::move(event));
  }
  for (int i = 0; i < std::min(report.launches_size(), SessionFeedLimits::kLaunchesMax); ++i) {
    const v1::SessionReport::Launched& launch = report.launches(i);
    if (launch.program() >= static_cast<uint32_t>(programs)) continue;
    const uint64_t took_us = std::min<uint64_t>(launch.took_us(), SessionFeedLimits::kLaunchUsMax);
    recorder_.Record(metric::kLaunch, names[launch.program()],
                     static_cast<int64_t>(took_us / 1'000));
  }
  if (report.has_signed_in()) TakeSignIn(report.signed_in());
  watched_ms_[peer] += static_cast<int64_t>(std::min<uint64_t>(report.watched_ms(), kWatchedMsMax));
  auto& unmeasured = unmeasured_[peer];
  unmeasured.clear();
  for (const auto& item : report.unmeasured()) {
    const uint32_t what = item.metric() != 0 ? item.metric() : item.event();
    unmeasured[what] = CleanText(item.reason(), kReasonBytesMax);
  }
}

void SessionFeed::TakeSignIn(const v1::SessionReport::SignedIn& sign_in) {
  const auto took_ms = static_cast<int64_t>(
      std::min<uint64_t>(sign_in.took_us(), SessionFeedLimits::kSignInUsMax) / 1'000);
  v1::Event event;
  event.set_wall_ms(clock_.WallMs() - took_ms);
  event.set_utc_offset_min(clock_.UtcOffsetMin(event.wall_ms()));
  event.mutable_sign_in()->set_duration_ms(static_cast<uint64_t>(took_ms));
  event.mutable_sign_in()->set_first_on_device(sign_in.first_on_device());
  recorder_.Event(std::move(event));
}

void SessionFeed::TakeProgram(const v1::SessionReport::Program& program, const std::string& name) {
  const int replies = std::min(program.reply_us_size(), SessionFeedLimits::kRepliesMax);
  for (int i = 0; i < replies; ++i) {
    recorder_.Record(metric::kUiReply, name,
                     static_cast<int64_t>(
                         std::min<uint64_t>(program.reply_us(i), SessionFeedLimits::kReplyUsMax)));
  }
  const auto hang_ms =
      static_cast<int64_t>(std::min<uint64_t>(program.hang_ms(), SessionFeedLimits::kHangMsMax));
  if (hang_ms == 0) return;
  if (hang_ms_.size() >= kCarriedMax) hang_ms_.clear();
  int64_t& carried_ms = hang_ms_[name];
  carried_ms += hang_ms;
  recorder_.Count(metric::kHangSeconds, name, carried_ms / kMsPerSecond);
  carried_ms %= kMsPerSecond;
}

// Of several sessions only one has a person in front of it at a time.
void SessionFeed::EndTick(std::span<const size_t> peers) {
  int64_t watched_ms = 0;
  for (const auto& [peer, ms] : watched_ms_) watched_ms = std::max(watched_ms, ms);
  watched_ms_.clear();
  if (watched_ms > 0) recorder_.Watched(watch::kWindows, std::min(watched_ms, kWatchedMsMax));
  std::erase_if(unmeasured_, [&](const auto& one) {
    return std::find(peers.begin(), peers.end(), one.first) == peers.end();
  });
  TellMeasured(peers);
}

// Measured where one helper measures it.
void SessionFeed::TellMeasured(std::span<const size_t> peers) {
  for (const uint32_t what : kFromSessions) {
    std::string_view reason = peers.empty() ? kNoSession : kNotYet;
    bool measured = false;
    for (const auto& [peer, unmeasured] : unmeasured_) {
      const auto at = unmeasured.find(what);
      if (at == unmeasured.end()) {
        measured = true;
      } else {
        reason = at->second;
      }
    }
    if (measured) {
      recorder_.Measured(what, {});
    } else {
      recorder_.Unmeasured(what, {}, reason);
    }
  }
}

}  // namespace candor
