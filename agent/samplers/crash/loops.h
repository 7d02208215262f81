// Failures that come again and again: a program that dies in a loop, a service that flaps. Told one
// by one they would fill spool and screen, and each would ask for a push; so they are counted here
// and told as one event with its `repeats` and how long they went on.
//
// The first crash of its kind is told at once, those that follow it are held. Of a service the
// first failure is held too: most come in groups, and nobody waits for it. What is held is told
// when a minute has passed without another, and every ten minutes while it goes on.
//
// Times are the wall clock's, as the journal wrote them; a clock that was set ends a loop early and
// never loses one. What is held is in Saved(), to be kept with the position in the journal behind
// it: across a restart nothing is lost and nothing told twice. Bounded: kLoopsMax loops, the one
// that was quiet longest is told first. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "candor/v1/envelope.pb.h"

namespace candor {

class FailureLoops {
 public:
  static constexpr int64_t kQuietMs = 60'000;
  static constexpr int64_t kHeldMsMax = 600'000;
  static constexpr size_t kLoopsMax = 8;

  struct Told {
    v1::Event event;
    std::string boot_id;  // 16 raw bytes
    // The first of its kind, just now; else a loop's count.
    bool first = false;
  };

  // `saved` is what Saved() gave in an earlier run; text that cannot be read holds nothing.
  explicit FailureLoops(std::string_view saved);

  // Takes a crash or unit failure, in the order of the journal, and appends what is to be told now.
  void Take(v1::Event event, std::string_view boot_id, std::vector<Told>& tell);
  // Appends the loops that are over, or have lasted so long that their count is due.
  void End(int64_t now_wall_ms, std::vector<Told>& tell);

  // Everything held; empty when nothing is. At most 4 KiB.
  std::string Saved() const;

 private:
  struct Loop {
    v1::Event event;  // the first one held, or where none is, the one told
    std::string boot_id;
    uint32_t held = 0;
    int64_t last_ms = 0;
  };

  static bool Over(const Loop& loop, int64_t now_wall_ms);
  static void Hold(Loop& loop, v1::Event event);
  // Tells what `loop` holds, if anything; it holds nothing then.
  static void Release(Loop& loop, std::vector<Told>& tell);
  void MakeRoom(std::vector<Told>& tell);

  std::vector<Loop> loops_;
};

}  // namespace candor
