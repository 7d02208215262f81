// Whether the window that a person works with answers: the rules, without any display.
//
// While there is input, the foreground window is pinged once a second, one ping at a time. An
// answer within five seconds is a reply time. A ping that stays unanswered for longer is a hang;
// its length runs from the ping to the answer, or to the end of the window, and it is told then. So
// a hang is measured up to a second short: it began some time between two pings.
//
// A hang goes on while its window is in the background or nobody types; as time lost in front of a
// frozen window (hang time) only the time in the foreground counts.
//
// A window that says it answers pings and never did may not know how: until its first answer
// nothing of it is measured. Times are the monotonic clock's, in microseconds; the clock stands
// still in sleep. Bounded: at most kWindowsMax windows are remembered. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace candor {

// The program behind a window, as the daemon will look it up (agent/samplers/support/owner.h).
struct WindowProgram {
  std::string executable;
  std::string task;
  std::string cgroup;

  auto operator<=>(const WindowProgram&) const = default;
};

struct ForegroundWindow {
  uint32_t id = 0;
  bool takes_pings = false;
  WindowProgram program;
};

class WindowListener {
 public:
  virtual ~WindowListener() = default;
  virtual void OnReply(const WindowProgram& program, int64_t took_us) = 0;
  // Told at its end.
  virtual void OnHang(const WindowProgram& program, int64_t began_us, int64_t length_us) = 0;
  // Time in front of a hanging window, as it passes.
  virtual void OnHangTime(const WindowProgram& program, int64_t us) = 0;
};

class WindowWatch {
 public:
  static constexpr int64_t kHangUs = 5'000'000;
  static constexpr size_t kWindowsMax = 64;

  struct Ping {
    uint32_t window = 0;
    uint32_t token = 0;  // comes back with the answer
  };

  // `listener` must outlive the object.
  explicit WindowWatch(WindowListener& listener) : listener_(listener) {}

  // Another window is in the foreground, or none.
  void SetForeground(std::optional<ForegroundWindow> window, int64_t now_us);
  const std::optional<ForegroundWindow>& foreground() const { return foreground_; }

  // Once a second while there is input: the ping to send, if any.
  std::optional<Ping> Tick(int64_t now_us);
  void Answered(uint32_t window, uint32_t token, int64_t now_us);
  // The window, or its whole program, is gone.
  void Gone(uint32_t window, int64_t now_us);

  // Tells hang time up to now.
  void Account(int64_t now_us);

  // Nobody was there until now: no time was lost.
  void Skip(int64_t now_us);

  // An answer is awaited.
  bool waiting() const;
  // What is measured of the foreground window now: it takes pings, and has not yet failed its
  // first.
  bool measurable(int64_t now_us) const;

 private:
  struct State {
    WindowProgram program;
    bool answered_once = false;
    bool waiting = false;
    uint32_t token = 0;
    int64_t sent_us = 0;
    int64_t accounted_us = 0;  // hang time is told up to here
    int64_t touched_us = 0;
  };

  bool Hangs(const State& state, int64_t now_us) const;
  void End(State& state, int64_t now_us);
  void MakeRoom();

  WindowListener& listener_;
  std::optional<ForegroundWindow> foreground_;
  std::map<uint32_t, State> windows_;
};

}  // namespace candor
