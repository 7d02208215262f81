#include "agent/session/window_watch.h"

#include <algorithm>
#include <utility>

namespace candor {

void WindowWatch::SetForeground(std::optional<ForegroundWindow> window, int64_t now_us) {
  const bool same = window && foreground_ && window->id == foreground_->id;
  if (!same) Account(now_us);
  foreground_ = std::move(window);
  if (same || !foreground_) return;
  // What it hung in the background is nobody's lost time.
  const auto at = windows_.find(foreground_->id);
  if (at != windows_.end() && at->second.waiting) at->second.accounted_us = now_us;
}

std::optional<WindowWatch::Ping> WindowWatch::Tick(int64_t now_us) {
  if (!foreground_ || !foreground_->takes_pings) return std::nullopt;
  if (!windows_.contains(foreground_->id)) MakeRoom();
  State& state = windows_[foreground_->id];
  state.touched_us = now_us;
  if (state.waiting) return std::nullopt;
  state.program = foreground_->program;
  state.waiting = true;
  // Like the time stamps of the X server, which has the same clock.
  state.token = static_cast<uint32_t>(now_us / 1'000) | 1U;
  state.sent_us = now_us;
  state.accounted_us = now_us;
  return Ping{foreground_->id, state.token};
}

void WindowWatch::Answered(uint32_t window, uint32_t token, int64_t now_us) {
  const auto at = windows_.find(window);
  if (at == windows_.end() || !at->second.waiting || at->second.token != token) return;
  State& state = at->second;
  const int64_t took_us = now_us - state.sent_us;
  if (!state.answered_once && took_us >= kHangUs) {
    // It can answer after all; how long it took was not watched.
    state.waiting = false;
  } else if (took_us < kHangUs) {
    state.waiting = false;
    listener_.OnReply(state.program, took_us);
  } else {
    End(state, now_us);
  }
  state.answered_once = true;
}

void WindowWatch::Gone(uint32_t window, int64_t now_us) {
  const auto at = windows_.find(window);
  if (at == windows_.end()) return;
  if (Hangs(at->second, now_us)) End(at->second, now_us);
  windows_.erase(at);
  if (foreground_ && foreground_->id == window) foreground_.reset();
}

void WindowWatch::Account(int64_t now_us) {
  if (!foreground_) return;
  const auto at = windows_.find(foreground_->id);
  if (at == windows_.end() || !Hangs(at->second, now_us)) return;
  State& state = at->second;
  if (now_us > state.accounted_us) {
    listener_.OnHangTime(state.program, now_us - state.accounted_us);
  }
  state.accounted_us = now_us;
}

void WindowWatch::Skip(int64_t now_us) {
  for (auto& [window, state] : windows_) state.accounted_us = now_us;
}

bool WindowWatch::waiting() const {
  return std::any_of(windows_.begin(), windows_.end(),
                     [](const auto& window) { return window.second.waiting; });
}

bool WindowWatch::measurable(int64_t now_us) const {
  if (!foreground_ || !foreground_->takes_pings) return false;
  const auto at = windows_.find(foreground_->id);
  if (at == windows_.end() || at->second.answered_once) return true;
  return !at->second.waiting || now_us - at->second.sent_us < kHangUs;
}

bool WindowWatch::Hangs(const State& state, int64_t now_us) const {
  return state.waiting && state.answered_once && now_us - state.sent_us >= kHangUs;
}

void WindowWatch::End(State& state, int64_t now_us) {
  const bool in_front =
      foreground_ && windows_.contains(foreground_->id) && &windows_.at(foreground_->id) == &state;
  if (in_front) Account(now_us);
  listener_.OnHang(state.program, state.sent_us, now_us - state.sent_us);
  state.waiting = false;
}

// The one that nobody worked with for longest and that does not wait for an answer, else any.
void WindowWatch::MakeRoom() {
  if (windows_.size() < kWindowsMax) return;
  const auto oldest =
      std::min_element(windows_.begin(), windows_.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.waiting, a.second.touched_us) <
               std::pair(b.second.waiting, b.second.touched_us);
      });
  windows_.erase(oldest);
}

}  // namespace candor
