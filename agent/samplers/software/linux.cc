// The software sampler on Linux.
#include <malloc.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/samplers/health/linux_system_disk.h"
#include "agent/samplers/health/telling.h"
#include "agent/samplers/software/linux_managers.h"
#include "agent/samplers/software/software.h"
#include "agent/samplers/software/software_list.h"
#include "agent/samplers/software/told_list.h"
#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/text.h"
#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

// Less is no room to begin a whole list with.
constexpr size_t kRoomToBegin = 4 << 10;

class SoftwareSampler final : public Sampler {
 public:
  explicit SoftwareSampler(const SamplerContext& context)
      : context_(context),
        told_(context.state.empty() ? std::string() : Concat(context.state, "/software")),
        mark_(ToldMark::Parse(context.saved_cursor(cursor::kSoftware))) {}

  std::string_view family() const override { return "software"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    // Of a minute the first tick: what a minute may hold is bounded.
    if (looked_ && (!tick.minute_start || tick.boottime_ms < due_ms_)) co_return;
    looked_ = true;
    due_ms_ = tick.boottime_ms + kSoftwareLookMs;
    const int64_t day = LocalDay(tick.wall_ms, 0);
    const Lists lists = co_await ReadChanged(day);
    if (!lists.empty() && Tell(lists, day)) due_ms_ = tick.boottime_ms;
    TellWhetherKnown();
    // A whole list is a megabyte for a moment.
    if (!lists.empty()) malloc_trim(0);
  }

 private:
  using Lists = std::map<std::string, SoftwareList, std::less<>>;

  bool WholeIsDue(std::string_view manager, int64_t day) const {
    const auto at = mark_.managers.find(manager);
    // A day to come is from a clock that was wrong.
    return at == mark_.managers.end() || at->second.unfinished ||
           day - at->second.day >= kSoftwareWholeDays || at->second.day > day + 1;
  }

  // The lists that may have something to tell.
  boost::asio::awaitable<Lists> ReadChanged(int64_t day) {
    Lists lists;
    var_ = VarMayBeRead(context_.roots);
    for (const std::string_view manager : software_manager::kAll) {
      if (!var_.ok()) break;
      std::string stamp = SoftwareStamp(context_.roots, manager);
      const auto known = stamps_.find(manager);
      if (known != stamps_.end() && known->second == stamp && !WholeIsDue(manager, day)) continue;
      if (known != stamps_.end()) stamps_.erase(known);
      absl::StatusOr<SoftwareList> list =
          co_await ReadSoftware(context_.io, context_.roots, std::string(manager));
      if (IsGone(manager, list.status())) list = SoftwareList();
      TellWhy(manager, list.status());
      if (!list.ok()) continue;
      stamps_.emplace(manager, std::move(stamp));
      lists.emplace(manager, *std::move(list));
    }
    co_return lists;
  }

  // Flatpak and snap are taken from a system altogether; a system without dpkg's list is none that
  // lost its packages.
  bool IsGone(std::string_view manager, const absl::Status& status) const {
    return absl::IsNotFound(status) && mark_.managers.contains(manager) &&
           (manager == software_manager::kFlatpak || manager == software_manager::kSnap);
  }

  // A manager that is not here lacks nothing, unless it was.
  void TellWhy(std::string_view manager, const absl::Status& status) {
    if (status.ok() || (absl::IsNotFound(status) && !mark_.managers.contains(manager))) {
      context_.recorder.Measured(event::kSoftwareChange, manager);
    } else {
      context_.recorder.Unmeasured(event::kSoftwareChange, manager, MessageOf(status));
    }
  }

  void TellWhetherKnown() {
    Recorder& recorder = context_.recorder;
    const bool rpm = var_.ok() && HasRpm(context_.roots);
    if (rpm) {
      recorder.Unmeasured(event::kSoftwareChange, "rpm", "rpm's database is not read");
    } else {
      recorder.Measured(event::kSoftwareChange, "rpm");
    }
    absl::Status status = var_;
    if (status.ok()) status = kept_;
    if (status.ok() && !rpm && mark_.managers.empty()) {
      status = absl::NotFoundError("no package manager that is known keeps books");
    }
    TellWhether(recorder, event::kSoftwareChange, status);
  }

  struct Telling {
    std::string told;  // the list's text to be
    ToldMark mark;
    size_t room = SoftwareLimits::kTellBytesMax;
    std::vector<v1::SoftwareChange> events;
    bool more = false;
  };

  // True where something waits for the next minute.
  bool Tell(const Lists& lists, int64_t day) {
    std::string before;
    if (absl::StatusOr<std::string> text = told_.Read(mark_.hash); text.ok()) {
      before = *std::move(text);
    } else {
      mark_.managers.clear();  // nothing to compare with: whole lists again
    }
    Telling telling;
    telling.mark = mark_;
    for (const std::string_view manager : software_manager::kAll) {
      const std::string_view lines = LinesOf(before, manager);
      const auto at = lists.find(manager);
      if (at != lists.end()) {
        TellManager(manager, lines, at->second, day, telling);
      } else if (mark_.managers.contains(manager)) {
        telling.told.append(lines);
      }
    }
    return Keep(std::move(telling));
  }

  // What changed comes first, as a change; then, where it is due, the whole list.
  Baseline BaselineFor(std::string_view manager, std::string_view lines, const SoftwareList& now,
                       int64_t day) const {
    const auto known = mark_.managers.find(manager);
    if (known == mark_.managers.end()) return Baseline::kBegins;
    if (known->second.unfinished) return Baseline::kGoesOn;
    const bool begins = WholeIsDue(manager, day) && lines == TextOf(manager, now);
    return begins ? Baseline::kBegins : Baseline::kNone;
  }

  void TellManager(std::string_view manager, std::string_view lines, const SoftwareList& now,
                   int64_t day, Telling& telling) {
    const bool known = telling.mark.managers.contains(manager);
    const Baseline baseline = BaselineFor(manager, lines, now, day);
    if (baseline == Baseline::kBegins && telling.room < kRoomToBegin) {
      telling.told.append(known ? lines : std::string_view());
      telling.more = true;
      return;
    }
    if (baseline == Baseline::kBegins) lines = {};
    SoftwareStep step = TellSoftware(manager, lines, now, baseline, telling.room, telling.events);
    telling.told.append(step.told);
    if (baseline == Baseline::kBegins) telling.mark.managers[std::string(manager)].day = day;
    if (baseline != Baseline::kNone) {
      telling.mark.managers[std::string(manager)].unfinished = !step.complete;
    }
    if (!step.complete) {
      telling.more = true;
      stamps_.erase(std::string(manager));
    }
  }

  bool Keep(Telling telling) {
    telling.mark.hash = ToldList::HashOf(telling.told);
    if (telling.mark.hash != mark_.hash) {
      kept_ = told_.Write(telling.told, mark_.hash);
      if (!kept_.ok()) {
        // Told now, it would be told again for ever.
        stamps_.clear();
        return false;
      }
    }
    for (v1::SoftwareChange& change : telling.events) {
      v1::Event event;
      *event.mutable_software_change() = std::move(change);
      context_.recorder.Event(std::move(event));
    }
    if (std::string text = telling.mark.Text(); text != mark_.Text()) {
      context_.recorder.SetCursor(cursor::kSoftware, text);
    }
    mark_ = std::move(telling.mark);
    return telling.more;
  }

  const SamplerContext& context_;
  const ToldList told_;
  ToldMark mark_;
  absl::Status var_;   // whether what is below /var may be read
  absl::Status kept_;  // whether what was told last could be kept
  std::map<std::string, std::string, std::less<>> stamps_;  // as of what was read last
  bool looked_ = false;
  int64_t due_ms_ = 0;
};

}  // namespace

std::unique_ptr<Sampler> MakeSoftwareSampler(const SamplerContext& context) {
  return std::make_unique<SoftwareSampler>(context);
}

}  // namespace candor
