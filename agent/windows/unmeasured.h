// The set of what cannot be measured on this device, and why. It is told as one event that lists
// all of it, whenever it changed and at the first minute of each local day, so that a reader who
// has one such event a day knows everything. Where only reasons changed, their news can wait for
// kReasonsEveryMs: reasons come from outside and may change with each attempt. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace candor::v1 {
class Unmeasured;
}

namespace candor {

class UnmeasuredSet {
 public:
  // Every service of the most that are probed, by every metric, and all the rest beside them.
  static constexpr size_t kItemsMax = 512;
  static constexpr size_t kReasonBytesMax = 160;
  // Of the list as it is told; the rest of BatchLimits::kEventBytesMax is the event's own.
  static constexpr size_t kListBytesMax = 60 << 10;
  static constexpr int64_t kReasonsEveryMs = 15 * 60'000;

  // Number of a metric or an event kind, and its subject.
  using Key = std::pair<uint32_t, std::string>;

  // A known reason again changes nothing. Items beyond kItemsMax are not kept; the list then says
  // so.
  void Set(uint32_t number, std::string_view subject, std::string_view reason);
  void Unset(uint32_t number, std::string_view subject);

  // True when the list should be told in a minute of `local_day`: it was never told, it changed,
  // or it was last told on another day. `now_ms` is on the boot clock.
  bool Due(int64_t local_day, int64_t now_ms) const;
  // The whole list; from now on it counts as told. What is left out (kItemsMax, kListBytesMax) is
  // told by a last item about event::kUnmeasured itself.
  void Tell(int64_t local_day, int64_t now_ms, v1::Unmeasured& out);

  const std::map<Key, std::string>& items() const { return items_; }

 private:
  std::map<Key, std::string> items_;
  bool overflowed_ = false;  // since the list was last told
  bool changed_ = true;
  bool reasons_changed_ = false;
  std::optional<int64_t> told_day_;
  int64_t told_ms_ = 0;
};

}  // namespace candor
