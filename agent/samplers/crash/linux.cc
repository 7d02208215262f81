// The crash sampler on Linux: polls the journal, merges, names, tells.
#include <optional>
#include <utility>
#include <vector>

#include "agent/samplers/crash/crash.h"
#include "agent/samplers/crash/incident.h"
#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/linux_journal.h"
#include "agent/samplers/support/linux_owner.h"
#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "agent/samplers/support/unit_name.h"
#include "candor/v1/envelope.pb.h"
#include "common/files.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

// Entries looked at in one tick: a long backlog is read in portions.
constexpr int kEntriesPerTickMax = 2'000;
// What happened longer ago than this needs no push of its own.
constexpr int64_t kUrgentUs = 10 * 60'000'000LL;

v1::SystemFailure::Kind SystemKind(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::kOutOfMemory:
      return v1::SystemFailure::OUT_OF_MEMORY_KILL;
    case Finding::Kind::kGpuReset:
      return v1::SystemFailure::GPU_RESET;
    case Finding::Kind::kHungTask:
      return v1::SystemFailure::HUNG_TASK;
    default:
      return v1::SystemFailure::KIND_UNSPECIFIED;
  }
}

class CrashSampler final : public Sampler {
 public:
  explicit CrashSampler(const SamplerContext& context)
      : context_(context),
        owners_(context.roots),
        folders_(JournalFolders(context.roots)),
        position_(context.saved_cursor(cursor::kJournal)) {}

  std::string_view family() const override { return "crash"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    const bool look_around = tick.minute_start || !tick.in_use || !looked_around_;
    if (look_around) LookAround();
    if (!journal_ && !look_around) co_return;
    const absl::Status read = ReadOn(tick);
    if (!read.ok()) {
      Lose(read);
      co_return;
    }
    TellCompleteness();
    TellKeeping();
    Watch();
    const std::vector<Incident> incidents =
        merger_.Settle(tick.wall_ms * 1000, takes_coredumps_ || saw_coredump_);
    std::vector<ProgramName> names;
    for (const Incident& incident : incidents) names.push_back(co_await NameOf(incident.finding));
    // From here to the saved position nothing may wait: the daemon can make durable what was told
    // so far at any moment it gets a turn, and what is durable without its position is told again.
    for (size_t i = 0; i < incidents.size(); ++i) Tell(incidents[i], names[i], tick);
    SavePosition();
  }

 private:
  // Opens what is needed, and reads on.
  absl::Status ReadOn(const Tick& tick) {
    const std::string stamp = FolderStamp(folders_);
    if (!journal_ || stamp != stamp_) {
      CANDOR_ASSIGN_OR_RETURN(journal_, LinuxJournal::Open(JournalFolder(context_.roots)));
      CANDOR_RETURN_IF_ERROR(Place(*journal_, tick));
      following_ = false;
      stamp_ = stamp;
      context_.recorder.Measured(event::kUnitFailure, "");
    }
    CANDOR_ASSIGN_OR_RETURN(at_end_, Read());
    if (following_ || !at_end_) return absl::OkStatus();
    absl::StatusOr<LinuxJournal> active = LinuxJournal::OpenActive(folders_);
    if (!active.ok()) return absl::OkStatus();  // all files will do as well
    CANDOR_RETURN_IF_ERROR(Place(*active, tick));
    journal_ = *std::move(active);
    following_ = true;
    return absl::OkStatus();
  }

  // Selects the entries that matter and seeks behind the last one read.
  absl::Status Place(LinuxJournal& journal, const Tick& tick) {
    for (const std::string_view id :
         {message_id::kCoredump, message_id::kUnitFailed, message_id::kJobFailed}) {
      CANDOR_RETURN_IF_ERROR(journal.Match("MESSAGE_ID", id));
    }
    CANDOR_RETURN_IF_ERROR(journal.Or());
    CANDOR_RETURN_IF_ERROR(journal.Match("_TRANSPORT", "kernel"));
    if (position_.empty()) CANDOR_RETURN_IF_ERROR(StartAtEnd(journal, tick));
    const std::string& from = read_to_.empty() ? position_ : read_to_;
    if (!from.starts_with('@')) return journal.SeekBehind(from);
    const auto realtime_us = ParseNumber<int64_t>(std::string_view(from).substr(1));
    return journal.SeekRealtime(realtime_us.value_or(tick.wall_ms * 1000));
  }

  // The very first start.
  absl::Status StartAtEnd(LinuxJournal& journal, const Tick& tick) {
    CANDOR_RETURN_IF_ERROR(journal.SeekTail());
    CANDOR_ASSIGN_OR_RETURN(const bool any, journal.Previous());
    position_ = Concat("@", std::to_string(tick.wall_ms * 1000));
    if (any) {
      CANDOR_ASSIGN_OR_RETURN(position_, journal.Cursor());
    }
    context_.recorder.SetCursor(cursor::kJournal, position_);
    return absl::OkStatus();
  }

  // Until the journal's end (then true), this tick's portion, or more findings than can wait.
  absl::StatusOr<bool> Read() {
    for (int i = 0; i < kEntriesPerTickMax && !merger_.Full(); ++i) {
      CANDOR_ASSIGN_OR_RETURN(const bool any, journal_->Next());
      if (!any) return true;
      CANDOR_ASSIGN_OR_RETURN(const JournalEntry entry, journal_->Entry(FindingFields()));
      if (auto finding = FindingFrom(entry)) {
        if (finding->kind == Finding::Kind::kCoredump) saw_coredump_ = true;
        merger_.Add(*std::move(finding));
      }
      read_to_ = entry.cursor;
    }
    return false;
  }

  // The clock that stands still in sleep: nothing happens then. A count of crashes that misses core
  // dumps or cannot tell whose programs crashed is none, and would look good; so would one of the
  // system's failures where no panic is ever seen. While entries wait to be read, nobody knows yet.
  void Watch() {
    const int64_t now_ms = context_.clock.MonotonicMs();
    if (watched_until_ms_ && at_end_) {
      const int64_t watched_ms = now_ms - *watched_until_ms_;
      if (kept_ && was_kept_) context_.recorder.Watched(watch::kJournal, watched_ms);
      if (complete_ && was_complete_) context_.recorder.Watched(watch::kCoredumps, watched_ms);
    }
    watched_until_ms_ = now_ms;
    was_complete_ = complete_;
    was_kept_ = kept_;
  }

  void Lose(const absl::Status& status) {
    for (const uint32_t kind : {event::kCrash, event::kUnitFailure, event::kSystemFailure}) {
      context_.recorder.Unmeasured(kind, "", MessageOf(status));
    }
    journal_.reset();
    watched_until_ms_.reset();
    was_complete_ = false;
    was_kept_ = false;
  }

  // Of what names no program, "other".
  boost::asio::awaitable<ProgramName> NameOf(const Finding& finding) {
    const bool unit =
        finding.kind == Finding::Kind::kUnitFailure || finding.kind == Finding::Kind::kJobFailure;
    if (unit) co_return ProgramName{};
    ProgramClues clues = CluesOf(finding);
    co_return co_await owners_.NameOf(std::move(clues));
  }

  void Tell(const Incident& incident, const ProgramName& name, const Tick& tick) {
    const Finding& finding = incident.finding;
    v1::Event event;
    event.set_wall_ms(finding.realtime_us / 1000);
    event.set_utc_offset_min(context_.clock.UtcOffsetMin(event.wall_ms()));
    event.set_boottime_ms(finding.monotonic_us / 1000);
    bool urgent = false;
    switch (finding.kind) {
      case Finding::Kind::kCoredump:
      case Finding::Kind::kFault:
        FillCrash(incident, name, *event.mutable_crash());
        urgent = tick.wall_ms * 1000 - finding.realtime_us < kUrgentUs;
        break;
      case Finding::Kind::kUnitFailure:
      case Finding::Kind::kJobFailure:
        FillUnitFailure(incident, *event.mutable_unit_failure());
        break;
      default:
        event.mutable_system_failure()->set_kind(SystemKind(finding.kind));
        if (!finding.task.empty()) event.mutable_system_failure()->set_detail(name.program);
        urgent = true;
    }
    context_.recorder.Event(std::move(event), finding.boot_id, urgent);
  }

  static ProgramClues CluesOf(const Finding& finding) {
    return {finding.executable, finding.task, finding.cgroup, finding.contained};
  }

  static void FillCrash(const Incident& incident, const ProgramName& name, v1::Crash& crash) {
    crash.set_program(name.program);
    crash.set_version(name.version);
    crash.set_owned(name.owned);
    crash.set_signal(incident.finding.signal);
    crash.set_stack_signature(incident.finding.signature);
    crash.set_source(incident.finding.kind == Finding::Kind::kCoredump ? "coredump" : "kernel");
    crash.set_repeats(incident.repeats);
  }

  void FillUnitFailure(const Incident& incident, v1::UnitFailure& failure) const {
    failure.set_unit(PublicUnitName(incident.finding.unit, [this](std::string_view unit) {
      return UnitIsInstalled(context_.roots, unit);
    }));
    failure.set_result(incident.finding.result);
    failure.set_repeats(incident.repeats);
  }

  // Never beyond a finding that still waits.
  void SavePosition() {
    std::string reached = position_;
    if (merger_.Empty() && !read_to_.empty()) reached = read_to_;
    if (!merger_.Empty() && merger_.cursor() != settled_to_) reached = merger_.cursor();
    settled_to_ = merger_.cursor();
    if (reached == position_) return;
    position_ = std::move(reached);
    context_.recorder.SetCursor(cursor::kJournal, position_);
  }

  // What decides whether a count of crashes is whole: who takes core dumps, who owns programs.
  void LookAround() {
    looked_around_ = true;
    const absl::StatusOr<std::string> pattern =
        ReadFile(Concat(context_.roots.proc, "/sys/kernel/core_pattern"), 4096);
    takes_coredumps_ = pattern.ok() && pattern->find("systemd-coredump") != std::string::npos;
    has_packages_ = owners_.HasPackages();
    kept_ = JournalIsKept(context_.roots);
  }

  // Panics and unclean shutdowns are found in the journal of the boot before (boot.h).
  void TellKeeping() {
    if (kept_) {
      context_.recorder.Measured(event::kSystemFailure, "");
    } else {
      context_.recorder.Unmeasured(event::kSystemFailure, "",
                                   "the journal is not kept over a restart: a panic or an unclean "
                                   "shutdown leaves no trace");
    }
  }

  void TellCompleteness() {
    std::string_view missing;
    if (!takes_coredumps_ && !saw_coredump_) {
      missing = "core dumps do not go to systemd-coredump: only faults the kernel logs are seen";
    } else if (!has_packages_) {
      missing = "no dpkg database: nothing tells which programs are installed";
    }
    complete_ = missing.empty();
    if (complete_) {
      context_.recorder.Measured(event::kCrash, "");
    } else {
      context_.recorder.Unmeasured(event::kCrash, "", missing);
    }
  }

  const SamplerContext& context_;
  LinuxOwners owners_;
  IncidentMerger merger_;
  const std::vector<std::string> folders_;
  std::optional<LinuxJournal> journal_;
  std::string stamp_;       // of the folders when all files were opened
  bool following_ = false;  // only the files written to are open
  std::string position_;    // saved: everything before it is told
  std::string read_to_;     // the last entry read
  std::string settled_to_;  // the merger's position at the last save
  std::optional<int64_t> watched_until_ms_;
  bool looked_around_ = false;
  bool takes_coredumps_ = false;
  bool saw_coredump_ = false;
  bool has_packages_ = false;
  bool at_end_ = false;        // of the journal, when it was last read
  bool kept_ = false;          // the journal outlives a restart
  bool complete_ = false;      // the count of crashes misses none
  bool was_complete_ = false;  // both when it was last read
  bool was_kept_ = false;
};

}  // namespace

std::unique_ptr<Sampler> MakeCrashSampler(const SamplerContext& context) {
  return std::make_unique<CrashSampler>(context);
}

}  // namespace candor
