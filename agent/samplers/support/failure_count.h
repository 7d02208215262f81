// When "failed just now" becomes "cannot be measured here": one lost packet is no news, and a list
// of what is unmeasured that flaps is sent anew each time. A plain value.
#pragma once

namespace candor {

class FailureCount {
 public:
  // So many failures in a row are lasting; the first is, where it never worked.
  static constexpr int kLasting = 3;

  void Succeeded() {
    worked_ = true;
    failures_ = 0;
  }
  // Counts a failure; true where it should be told.
  bool Lasting() {
    if (failures_ < kLasting) ++failures_;
    return !worked_ || failures_ == kLasting;
  }

 private:
  bool worked_ = false;
  int failures_ = 0;
};

}  // namespace candor
