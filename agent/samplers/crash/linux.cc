// The crash sampler on Linux: polls its sources, merges, names, counts, tells.
#include <optional>
#include <utility>
#include <vector>

#include "agent/samplers/crash/crash.h"
#include "agent/samplers/crash/incident.h"
#include "agent/samplers/crash/linux_apport.h"
#include "agent/samplers/crash/linux_journal_findings.h"
#include "agent/samplers/crash/loops.h"
#include "agent/samplers/crash/source_position.h"
#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/linux_owner.h"
#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "agent/samplers/support/unit_name.h"
#include "candor/v1/envelope.pb.h"
#include "common/files.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

// What happened longer ago than this needs no push of its own.
constexpr int64_t kUrgentMs = 10 * kMsPerMinute;

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

std::string_view CrashSource(const Finding& finding) {
  switch (finding.kind) {
    case Finding::Kind::kCoredump:
      return finding.source == Finding::Source::kApport ? "apport" : "coredump";
    case Finding::Kind::kGroupOutOfMemory:
      return "out_of_memory";
    default:
      return "kernel";
  }
}

class CrashSampler final : public Sampler {
 public:
  explicit CrashSampler(const SamplerContext& context)
      : context_(context),
        owners_(context.roots),
        merger_(context.saved_cursor(cursor::kIncidents)),
        saved_incidents_(merger_.Saved()),
        journal_(context.roots, context.saved_cursor(cursor::kJournal)),
        apport_(Concat(context.roots.var, "/log/apport.log"),
                context.saved_cursor(cursor::kApport)),
        apport_position_(context.saved_cursor(cursor::kApport)),
        loops_(context.saved_cursor(cursor::kCrashLoops)),
        saved_loops_(loops_.Saved()) {}

  std::string_view family() const override { return "crash"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    const bool look_around = tick.minute_start || !tick.in_use || !looked_around_;
    if (look_around) LookAround();
    if (!journal_.open() && !look_around) co_return;
    if (const absl::Status read = ReadJournal(tick); !read.ok()) {
      Lose(read);
      co_return;
    }
    if (handler_ == Handler::kApport) ReadApport(tick);
    TellCompleteness();
    TellKeeping();
    Watch();
    const bool coredumps_expected = handler_ != Handler::kNone || journal_.saw_coredump();
    const std::vector<Incident> incidents = merger_.Settle(tick.wall_ms * 1000, coredumps_expected);
    std::vector<ProgramName> names;
    for (const Incident& incident : incidents) names.push_back(co_await NameOf(incident.finding));
    // From here to the saved position nothing may wait: the daemon can make durable what was told
    // so far at any moment it gets a turn, and what is durable without its position is told again.
    for (size_t i = 0; i < incidents.size(); ++i) Take(incidents[i], names[i], tick);
    std::vector<FailureLoops::Told> over;
    loops_.End(tick.wall_ms, over);
    Tell(over, tick);
    SavePositions();
  }

 private:
  // Who is given the core dumps of this machine.
  enum class Handler { kNone, kSystemd, kApport };

  absl::Status ReadJournal(const Tick& tick) {
    const bool was_open = journal_.open();
    CANDOR_RETURN_IF_ERROR(journal_.Read(tick.wall_ms, merger_));
    if (!was_open) context_.recorder.Measured(event::kUnitFailure, "");
    return absl::OkStatus();
  }

  // Read after the journal, so that the kernel's line of a crash is there before its report.
  void ReadApport(const Tick& tick) {
    apport_status_ = absl::OkStatus();
    if (IncidentMerger::kWaitingMax - merger_.waiting() < LinuxApportLog::kReportsMax) return;
    auto entries = apport_.Read();
    if (!entries.ok()) {
      apport_status_ = entries.status();
      return;
    }
    const auto boot_id = ReadBootId(context_.roots);
    const Moment now{tick.wall_ms * 1000, context_.clock.MonotonicMs() * 1000};
    for (const LinuxApportLog::Entry& entry : *entries) {
      merger_.Add(FindingFrom(entry.report, entry.position, boot_id.value_or(""),
                              context_.clock.UtcOffsetMin(entry.report.local_ms), now));
    }
    apport_position_.ReadTo(apport_.position());
  }

  // The clock that stands still in sleep: nothing happens then. A count of crashes that misses core
  // dumps or cannot tell whose programs crashed is none, and would look good; so would one of the
  // system's failures where no panic is ever seen. While entries wait to be read, nobody knows yet.
  void Watch() {
    const int64_t now_ms = context_.clock.MonotonicMs();
    if (watched_until_ms_ && journal_.at_end()) {
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
    journal_.Close();
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

  // A program's or unit's failure goes through the loops, a failure of the system is told.
  void Take(const Incident& incident, const ProgramName& name, const Tick& tick) {
    const Finding& finding = incident.finding;
    v1::Event event;
    event.set_wall_ms(finding.realtime_us / 1000);
    event.set_utc_offset_min(context_.clock.UtcOffsetMin(event.wall_ms()));
    event.set_boottime_ms(finding.monotonic_us / 1000);
    switch (finding.kind) {
      case Finding::Kind::kCoredump:
      case Finding::Kind::kFault:
      case Finding::Kind::kGroupOutOfMemory:
        FillCrash(incident, name, *event.mutable_crash());
        break;
      case Finding::Kind::kUnitFailure:
      case Finding::Kind::kJobFailure:
        FillUnitFailure(incident, *event.mutable_unit_failure());
        break;
      default:
        FillSystemFailure(finding, name, *event.mutable_system_failure());
        context_.recorder.Event(std::move(event), finding.boot_id, /*urgent=*/true);
        return;
    }
    std::vector<FailureLoops::Told> told;
    loops_.Take(std::move(event), finding.boot_id, told);
    Tell(told, tick);
  }

  void Tell(std::vector<FailureLoops::Told>& told, const Tick& tick) {
    for (FailureLoops::Told& one : told) {
      const bool fresh = tick.wall_ms - one.event.wall_ms() < kUrgentMs;
      const bool urgent = one.first && one.event.has_crash() && fresh;
      context_.recorder.Event(std::move(one.event), one.boot_id, urgent);
    }
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
    crash.set_source(std::string(CrashSource(incident.finding)));
    crash.set_repeats(incident.repeats);
  }

  void FillSystemFailure(const Finding& finding, const ProgramName& name,
                         v1::SystemFailure& failure) const {
    failure.set_kind(SystemKind(finding.kind));
    if (!finding.task.empty()) {
      failure.set_detail(name.program);
    } else if (!finding.unit.empty()) {
      failure.set_detail(UnitNameOf(finding));
    }
  }

  std::string UnitNameOf(const Finding& finding) const {
    return PublicUnitName(finding.unit, [this](std::string_view unit) {
      return UnitIsInstalled(context_.roots, unit);
    });
  }

  void FillUnitFailure(const Incident& incident, v1::UnitFailure& failure) const {
    failure.set_unit(UnitNameOf(incident.finding));
    failure.set_result(incident.finding.result);
    failure.set_repeats(incident.repeats);
  }

  // Never beyond a finding that still waits; what is held goes with it.
  void SavePositions() {
    if (auto told = journal_.position().Told(merger_, Finding::Source::kJournal)) {
      context_.recorder.SetCursor(cursor::kJournal, *told);
    }
    if (auto told = apport_position_.Told(merger_, Finding::Source::kApport)) {
      context_.recorder.SetCursor(cursor::kApport, *told);
    }
    SaveChanged(cursor::kIncidents, merger_.Saved(), saved_incidents_);
    SaveChanged(cursor::kCrashLoops, loops_.Saved(), saved_loops_);
  }

  void SaveChanged(std::string_view name, std::string value, std::string& saved) {
    if (value == saved) return;
    context_.recorder.SetCursor(name, value);
    saved = std::move(value);
  }

  // What decides whether a count of crashes is whole: who takes core dumps, who owns programs.
  void LookAround() {
    looked_around_ = true;
    const std::string pattern =
        ReadFile(Concat(context_.roots.proc, "/sys/kernel/core_pattern"), 4096).value_or("");
    handler_ = Handler::kNone;
    if (pattern.find("systemd-coredump") != std::string::npos) handler_ = Handler::kSystemd;
    if (pattern.find("/apport") != std::string::npos) handler_ = Handler::kApport;
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
    std::string missing;
    if (handler_ == Handler::kApport && !apport_status_.ok()) {
      missing = Concat("apport's log cannot be read: ", MessageOf(apport_status_));
    } else if (handler_ == Handler::kNone && !journal_.saw_coredump()) {
      missing =
          "core dumps go neither to systemd-coredump nor to apport: only the kernel's faults are "
          "seen";
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
  std::string saved_incidents_;
  LinuxJournalFindings journal_;
  LinuxApportLog apport_;
  SourcePosition apport_position_;
  absl::Status apport_status_;
  FailureLoops loops_;
  std::string saved_loops_;
  std::optional<int64_t> watched_until_ms_;
  bool looked_around_ = false;
  Handler handler_ = Handler::kNone;
  bool has_packages_ = false;
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
