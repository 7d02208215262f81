#include "agent/session/report.h"

#include <algorithm>
#include <utility>

#include "common/registry.h"

namespace candor {

v1::SessionReport::Program* ReportBuilder::Find(const WindowProgram& program, uint32_t* index) {
  const auto at = programs_.find(program);
  uint32_t found = 0;
  if (at != programs_.end()) {
    found = at->second;
  } else {
    if (report_.programs_size() == kProgramsMax) return nullptr;
    found = static_cast<uint32_t>(report_.programs_size());
    v1::SessionReport::Program& added = *report_.add_programs();
    added.set_executable(program.executable);
    added.set_task(program.task);
    added.set_cgroup(program.cgroup);
    programs_.emplace(program, found);
  }
  if (index != nullptr) *index = found;
  return report_.mutable_programs(static_cast<int>(found));
}

void ReportBuilder::OnReply(const WindowProgram& program, int64_t took_us) {
  v1::SessionReport::Program* of = Find(program);
  if (of == nullptr || of->reply_us_size() == kRepliesMax) return;
  of->add_reply_us(static_cast<uint64_t>(std::max<int64_t>(0, took_us)));
}

void ReportBuilder::OnHang(const WindowProgram& program, int64_t began_us, int64_t length_us) {
  uint32_t index = 0;
  if (hangs_.size() == kEndedMax || Find(program, &index) == nullptr) return;
  hangs_.push_back({index, began_us, length_us});
}

void ReportBuilder::OnHangTime(const WindowProgram& program, int64_t us) {
  uint32_t index = 0;
  if (Find(program, &index) != nullptr) hang_us_[index] += us;
}

void ReportBuilder::AddLaunch(const WindowProgram& program, int64_t took_us) {
  uint32_t index = 0;
  if (report_.launches_size() == kEndedMax || Find(program, &index) == nullptr) return;
  v1::SessionReport::Launched& launch = *report_.add_launches();
  launch.set_program(index);
  launch.set_took_us(static_cast<uint64_t>(std::max<int64_t>(0, took_us)));
}

void ReportBuilder::SetSignIn(int64_t took_us, bool first_on_device) {
  v1::SessionReport::SignedIn& sign_in = *report_.mutable_signed_in();
  sign_in.set_took_us(static_cast<uint64_t>(std::max<int64_t>(0, took_us)));
  sign_in.set_first_on_device(first_on_device);
  news_ = true;
}

void ReportBuilder::SetUnmeasured(uint32_t metric_or_event, std::string reason) {
  std::string& now = unmeasured_[metric_or_event];
  news_ = news_ || now != reason;
  now = std::move(reason);
}

bool ReportBuilder::Empty() const { return !news_ && programs_.empty() && watched_us_ < 1'000; }

v1::SessionReport ReportBuilder::Take(int64_t now_us) {
  v1::SessionReport report = std::exchange(report_, {});
  for (const auto& [program, us] : hang_us_) {
    report.mutable_programs(static_cast<int>(program))
        ->set_hang_ms(static_cast<uint64_t>(us / 1'000));
  }
  for (const Hang& hang : hangs_) {
    v1::SessionReport::EndedHang& ended = *report.add_hangs();
    ended.set_program(hang.program);
    ended.set_duration_ms(static_cast<uint64_t>(hang.length_us / 1'000));
    ended.set_began_ago_ms(
        static_cast<uint64_t>(std::max<int64_t>(0, now_us - hang.began_us) / 1'000));
  }
  report.set_watched_ms(static_cast<uint64_t>(watched_us_ / 1'000));
  for (const auto& [what, reason] : unmeasured_) {
    if (reason.empty()) continue;
    v1::SessionReport::Unmeasured& item = *report.add_unmeasured();
    if (FindMetric(what) != nullptr) {
      item.set_metric(what);
    } else {
      item.set_event(what);
    }
    item.set_reason(reason);
  }
  programs_.clear();
  hangs_.clear();
  hang_us_.clear();
  watched_us_ %= 1'000;
  news_ = false;
  return report;
}

}  // namespace candor
