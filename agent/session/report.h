// What a session saw since its last report, as one message for the daemon. Bounded: what exceeds
// the bounds of a report is dropped, oldest kept. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/session/window_watch.h"
#include "candor/v1/local.pb.h"

namespace candor {

class ReportBuilder final : public WindowListener {
 public:
  static constexpr int kProgramsMax = 64;
  static constexpr int kRepliesMax = 1'000;  // of one program
  static constexpr int kEndedMax = 64;       // hangs and launches, each

  void OnReply(const WindowProgram& program, int64_t took_us) override;
  void OnHang(const WindowProgram& program, int64_t began_us, int64_t length_us) override;
  void OnHangTime(const WindowProgram& program, int64_t us) override;
  void AddLaunch(const WindowProgram& program, int64_t took_us);
  void SetSignIn(int64_t took_us, bool first_on_device);
  void AddWatched(int64_t us) { watched_us_ += us; }
  // From now on, in every report; an empty reason: it is measured.
  void SetUnmeasured(uint32_t metric_or_event, std::string reason);

  // Another daemon listens: it does not know yet what is unmeasured.
  void TellAgain() { news_ = true; }

  // Nothing happened since the last Take that the daemon does not know.
  bool Empty() const;
  // The report, at `now_us`; starts the next one.
  v1::SessionReport Take(int64_t now_us);

 private:
  struct Hang {
    uint32_t program;
    int64_t began_us;
    int64_t length_us;
  };

  // Null where the report holds no more programs.
  v1::SessionReport::Program* Find(const WindowProgram& program, uint32_t* index = nullptr);

  v1::SessionReport report_;
  std::map<WindowProgram, uint32_t> programs_;
  std::vector<Hang> hangs_;
  std::map<uint32_t, int64_t> hang_us_;  // by program
  int64_t watched_us_ = 0;
  std::map<uint32_t, std::string> unmeasured_;
  bool news_ = true;  // of what is unmeasured
};

}  // namespace candor
