// The set of what cannot be measured on this device, and why. It is told as one event that lists
// all of it, whenever it changed and at the first minute of each local day, so that a reader who
// has one such event a day knows everything. One thread.
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
  static constexpr size_t kItemsMax = 128;
  static constexpr size_t kReasonBytesMax = 160;

  // Number of a metric or an event kind, and its subject.
  using Key = std::pair<uint32_t, std::string>;

  // A known reason again changes nothing. Items beyond kItemsMax are not kept: the list must fit
  // into one event (BatchLimits::kEventBytesMax).
  void Set(uint32_t number, std::string_view subject, std::string_view reason);
  void Unset(uint32_t number, std::string_view subject);

  // True when the list should be told in a minute of `local_day`: it was never told, it changed,
  // or it was last told on another day.
  bool Due(int64_t local_day) const;
  // The whole list; from now on it counts as told.
  void Tell(int64_t local_day, v1::Unmeasured& out);

  const std::map<Key, std::string>& items() const { return items_; }

 private:
  std::map<Key, std::string> items_;
  bool changed_ = true;
  std::optional<int64_t> told_day_;
};

}  // namespace candor
