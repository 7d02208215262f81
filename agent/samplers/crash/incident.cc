#include "agent/samplers/crash/incident.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "agent/samplers/crash/kernel_line.h"
#include "agent/samplers/crash/stack.h"
#include "agent/samplers/support/app_group.h"
#include "agent/samplers/support/text.h"
#include "common/hash.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr size_t kSettledMax = 64;
constexpr int64_t kTieUs = 60'000'000;        // entries of one failure lie within a minute
constexpr int64_t kSameMomentUs = 2'000'000;  // what only time ties together
constexpr int64_t kSameFailureUs = 10'000'000;
constexpr int64_t kShortageUs = 10'000'000;
constexpr int64_t kResetsUs = 30'000'000;
constexpr size_t kResultBytesMax = 32;
constexpr size_t kInvocationBytes = 32;
constexpr size_t kTagBytes = 4;
constexpr std::string_view kNothing = "-";  // in what is saved
constexpr int64_t kHangUs = 900'000'000;    // the kernel repeats itself every two minutes

constexpr auto kMessageIds =
    std::to_array<std::string_view>({message_id::kCoredump, message_id::kUnitFailed,
                                     message_id::kJobFailed, message_id::kOomdKill});
constexpr auto kFields = std::to_array<std::string_view>(
    {"MESSAGE_ID", "_TRANSPORT", "MESSAGE", "COREDUMP_PID", "COREDUMP_EXE", "COREDUMP_COMM",
     "COREDUMP_SIGNAL", "COREDUMP_UNIT", "COREDUMP_USER_UNIT", "COREDUMP_CGROUP",
     "COREDUMP_CONTAINER_CMDLINE", "UNIT", "USER_UNIT", "UNIT_RESULT", "JOB_RESULT",
     "INVOCATION_ID", "USER_INVOCATION_ID"});

std::string FirstOf(const JournalEntry& entry, std::string_view a, std::string_view b) {
  const std::string_view value = entry.Field(a);
  return std::string(value.empty() ? entry.Field(b) : value);
}

void FillCoredump(const JournalEntry& entry, Finding& finding) {
  const std::string_view message = entry.Field("MESSAGE");
  finding.pid = ParseNumber<uint32_t>(entry.Field("COREDUMP_PID")).value_or(0);
  finding.threads = StackThreads(message);
  finding.executable = entry.Field("COREDUMP_EXE");
  finding.task = entry.Field("COREDUMP_COMM");
  finding.cgroup = entry.Field("COREDUMP_CGROUP");
  finding.contained = !entry.Field("COREDUMP_CONTAINER_CMDLINE").empty();
  // A user's service has both: the user manager's own unit and the service.
  finding.unit = FirstOf(entry, "COREDUMP_USER_UNIT", "COREDUMP_UNIT");
  finding.signal = ParseNumber<uint32_t>(entry.Field("COREDUMP_SIGNAL")).value_or(0);
  finding.signature = StackSignature(message);
}

bool FillKernelLine(const JournalEntry& entry, Finding& finding) {
  const auto line = ParseKernelLine(entry.Field("MESSAGE"));
  if (!line) return false;
  switch (line->kind) {
    case KernelLine::Kind::kFault:
      finding.kind = Finding::Kind::kFault;
      break;
    case KernelLine::Kind::kOutOfMemory:
      finding.kind = Finding::Kind::kOutOfMemory;
      break;
    case KernelLine::Kind::kGroupOutOfMemory:
      finding.kind = Finding::Kind::kGroupOutOfMemory;
      break;
    case KernelLine::Kind::kGpuReset:
      finding.kind = Finding::Kind::kGpuReset;
      break;
    case KernelLine::Kind::kHungTask:
      finding.kind = Finding::Kind::kHungTask;
      break;
  }
  finding.pid = line->pid;
  finding.task = line->task;
  finding.signal = line->signal;
  finding.signature = ModuleSignature(line->module);
  return true;
}

// systemd's words for a result are short; anybody can write such an entry with other ones.
std::string ResultWord(std::string_view text) {
  const bool word = !text.empty() && text.size() <= kResultBytesMax &&
                    text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == text.npos;
  return word ? std::string(text) : "unknown";
}

// Anybody can write such an entry with other text.
bool IsInvocation(std::string_view text) {
  return text.size() == kInvocationBytes && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// Of a failed unit, of its failed job.
bool FillUnitEntry(const JournalEntry& entry, std::string_view id, Finding& finding) {
  finding.unit = FirstOf(entry, "USER_UNIT", "UNIT");
  if (finding.unit.empty()) return false;
  const bool job = id == message_id::kJobFailed;
  finding.kind = job ? Finding::Kind::kJobFailure : Finding::Kind::kUnitFailure;
  finding.result = ResultWord(entry.Field(job ? "JOB_RESULT" : "UNIT_RESULT"));
  std::string invocation = FirstOf(entry, "USER_INVOCATION_ID", "INVOCATION_ID");
  if (IsInvocation(invocation)) finding.invocation = std::move(invocation);
  // A job that only waited for another one that failed is no failure of its own.
  return !job || finding.result == "failed" || finding.result == "timeout";
}

void FillOomdKill(const JournalEntry& entry, Finding& finding) {
  finding.kind = Finding::Kind::kOutOfMemory;
  finding.unit = FirstOf(entry, "USER_UNIT", "UNIT");
  finding.task = ApplicationOfGroup(finding.unit);
  finding.cgroup = finding.unit;
}

bool Within(const Finding& a, const Finding& b, int64_t us) {
  return a.boot_id == b.boot_id && std::llabs(a.monotonic_us - b.monotonic_us) <= us;
}

bool IsProcessOf(uint32_t pid, const Finding& coredump) {
  return pid == coredump.pid ||
         std::find(coredump.threads.begin(), coredump.threads.end(), pid) != coredump.threads.end();
}

// Names that are the same in one boot have the same tag, and nobody reads the name from it.
std::string TagOf(std::string_view boot_id, std::string_view name) {
  return name.empty() ? "" : ToHex(HmacSha256(boot_id, name).substr(0, kTagBytes));
}

std::string_view TagWord(const std::string& tag) { return tag.empty() ? kNothing : tag; }

bool SameFailure(const Finding& a, const Finding& b) {
  return a.kind == b.kind && a.boot_id == b.boot_id && a.executable == b.executable &&
         a.task == b.task && a.unit == b.unit && a.result == b.result && a.signal == b.signal &&
         a.signature == b.signature;
}

}  // namespace

std::span<const std::string_view> FindingMessageIds() { return kMessageIds; }

std::span<const std::string_view> FindingFields() { return kFields; }

std::optional<Finding> FindingFrom(const JournalEntry& entry) {
  Finding finding;
  finding.cursor = entry.cursor;
  finding.boot_id = entry.boot_id;
  finding.realtime_us = entry.realtime_us;
  finding.monotonic_us = entry.monotonic_us;
  const std::string_view id = entry.Field("MESSAGE_ID");
  if (id == message_id::kCoredump) {
    finding.kind = Finding::Kind::kCoredump;
    FillCoredump(entry, finding);
    // Somebody asked for this dump, from a keyboard: the program did not fail.
    if (finding.signal == SIGQUIT) return std::nullopt;
    return finding;
  }
  if (id == message_id::kOomdKill) {
    FillOomdKill(entry, finding);
    return finding;
  }
  if (id == message_id::kUnitFailed || id == message_id::kJobFailed) {
    if (!FillUnitEntry(entry, id, finding)) return std::nullopt;
    return finding;
  }
  if (entry.Field("_TRANSPORT") == "kernel" && FillKernelLine(entry, finding)) return finding;
  return std::nullopt;
}

Finding FindingFrom(const ApportReport& report, const std::string& position,
                    const std::string& boot_id, int utc_offset_min, const Moment& now) {
  Finding finding;
  finding.kind = Finding::Kind::kCoredump;
  finding.source = Finding::Source::kApport;
  finding.cursor = position;
  finding.boot_id = boot_id;
  finding.realtime_us = (report.local_ms - utc_offset_min * kMsPerMinute) * 1000;
  finding.monotonic_us =
      std::max<int64_t>(0, now.monotonic_us - (now.realtime_us - finding.realtime_us));
  finding.pid = report.pid;
  finding.executable = report.executable;
  finding.signal = report.signal;
  return finding;
}

// "kind:told:source:boot:monotonic_us:pid:unit:task:thread,thread", as Saved() has it; "-" is none.
std::string IncidentMerger::WordOf(const Settled& settled) {
  const Finding& finding = settled.finding;
  std::string word =
      Concat(std::to_string(static_cast<int>(finding.kind)),
             settled.told ? ":1:" : ":0:", std::to_string(static_cast<int>(finding.source)), ":",
             ToHex(finding.boot_id), ":", std::to_string(finding.monotonic_us), ":",
             std::to_string(finding.pid), ":", TagWord(finding.unit_tag), ":",
             TagWord(finding.task_tag), ":");
  if (finding.threads.empty()) return word + std::string(kNothing);
  const size_t threads = std::min(finding.threads.size(), kSavedThreadsMax);
  for (size_t i = 0; i < threads; ++i) {
    word += Concat(i == 0 ? "" : ",", std::to_string(finding.threads[i]));
  }
  return word;
}

std::optional<IncidentMerger::Settled> IncidentMerger::SettledFrom(std::string_view word) {
  const auto parts = Split(word, ':');
  if (parts.size() != 9) return std::nullopt;
  const auto kind = ParseNumber<int>(parts[0]);
  const auto source = ParseNumber<int>(parts[2]);
  const auto boot_id = FromHex(parts[3]);
  const auto monotonic_us = ParseNumber<int64_t>(parts[4]);
  const auto pid = ParseNumber<uint32_t>(parts[5]);
  if (!kind || *kind < 0 || *kind > static_cast<int>(Finding::Kind::kHungTask) || !source ||
      *source < 0 || *source > static_cast<int>(Finding::Source::kApport) || !boot_id.ok() ||
      !monotonic_us || *monotonic_us < 0 || !pid) {
    return std::nullopt;
  }
  Settled settled;
  settled.told = parts[1] == "1";
  settled.finding.kind = static_cast<Finding::Kind>(*kind);
  settled.finding.source = static_cast<Finding::Source>(*source);
  settled.finding.boot_id = *boot_id;
  settled.finding.monotonic_us = *monotonic_us;
  settled.finding.pid = *pid;
  if (parts[6] != kNothing) settled.finding.unit_tag = parts[6];
  if (parts[7] != kNothing) settled.finding.task_tag = parts[7];
  for (const std::string_view thread : Split(parts[8], ',')) {
    if (const auto id = ParseNumber<uint32_t>(thread)) settled.finding.threads.push_back(*id);
  }
  return settled;
}

IncidentMerger::IncidentMerger(std::string_view saved) {
  for (const std::string_view word : Split(saved, ' ')) {
    if (IsInvocation(word)) {
      RememberInvocation(word);
    } else if (auto settled = SettledFrom(word); settled && settled_.size() < kSavedMax) {
      settled_.push_back(*std::move(settled));
    }
  }
}

std::string IncidentMerger::Saved() const {
  std::string saved;
  const auto add = [&saved](const std::string& word) {
    if (!saved.empty()) saved += ' ';
    saved += word;
  };
  std::for_each(failed_.begin(), failed_.end(), add);
  const size_t passed_over = settled_.size() - std::min(settled_.size(), kSavedMax);
  for (size_t i = passed_over; i < settled_.size(); ++i) add(WordOf(settled_[i]));
  return saved;
}

bool IncidentMerger::Waits(Finding::Source source) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Finding& finding) { return finding.source == source; });
}

void IncidentMerger::Add(Finding finding) {
  assert(!Full());
  finding.unit_tag = TagOf(finding.boot_id, finding.unit);
  finding.task_tag = TagOf(finding.boot_id, finding.task);
  waiting_.push_back(std::move(finding));
}

std::vector<Incident> IncidentMerger::Settle(int64_t now_us, bool coredumps_expected) {
  std::vector<Verdict> verdicts;
  for (size_t i = 0; i < waiting_.size(); ++i) {
    const Verdict verdict = Judge(i, now_us, coredumps_expected);
    if (verdict == Verdict::kWait) break;
    verdicts.push_back(verdict);
  }
  std::vector<Incident> incidents;
  for (const Verdict verdict : verdicts) {
    Finding finding = std::move(waiting_.front());
    waiting_.pop_front();
    cursors_[static_cast<size_t>(finding.source)] = finding.cursor;
    Remember(finding, verdict == Verdict::kTell);
    if (verdict == Verdict::kDrop) continue;
    const auto same = std::find_if(incidents.begin(), incidents.end(), [&](const Incident& i) {
      return SameFailure(i.finding, finding);
    });
    if (same != incidents.end()) {
      ++same->repeats;
    } else {
      incidents.push_back({std::move(finding), 0});
    }
  }
  return incidents;
}

IncidentMerger::Verdict IncidentMerger::Judge(size_t index, int64_t now_us,
                                              bool coredumps_expected) const {
  const Finding& finding = waiting_[index];
  // A wall clock set back must not make anything wait for ever.
  const int64_t age_us = now_us - finding.realtime_us;
  const bool young = coredumps_expected && age_us >= 0 && age_us < kSettleUs;
  switch (finding.kind) {
    case Finding::Kind::kCoredump:
      return JudgeCoredump(finding);
    case Finding::Kind::kFault:
      return JudgeFault(finding, young);
    case Finding::Kind::kUnitFailure:
      return JudgeUnitFailure(index, young);
    case Finding::Kind::kJobFailure:
      return JudgeJobFailure(index);
    case Finding::Kind::kGroupOutOfMemory:
    case Finding::Kind::kOutOfMemory:
      return JudgeSystemFailure(index, kShortageUs);
    case Finding::Kind::kGpuReset:
      return JudgeSystemFailure(index, kResetsUs);
    case Finding::Kind::kHungTask:
      return JudgeSystemFailure(index, kHangUs);
  }
  return Verdict::kTell;
}

template <typename Predicate>
bool IncidentMerger::Any(Predicate predicate) const {
  return std::any_of(waiting_.begin(), waiting_.end(), predicate) ||
         std::any_of(settled_.begin(), settled_.end(),
                     [&](const Settled& settled) { return predicate(settled.finding); });
}

template <typename Visit>
void IncidentMerger::Before(size_t index, Visit visit) const {
  for (size_t i = index; i-- > 0;) {
    if (!visit(waiting_[i])) return;
  }
  for (auto at = settled_.rbegin(); at != settled_.rend(); ++at) {
    if (!visit(at->finding)) return;
  }
}

// A core dump so large that its fault line could not wait for it was told as that fault.
IncidentMerger::Verdict IncidentMerger::JudgeCoredump(const Finding& coredump) const {
  const bool told = std::any_of(settled_.begin(), settled_.end(), [&](const Settled& other) {
    return other.told && other.finding.kind == Finding::Kind::kFault &&
           other.finding.boot_id == coredump.boot_id && IsProcessOf(other.finding.pid, coredump);
  });
  return told ? Verdict::kDrop : Verdict::kTell;
}

bool IncidentMerger::HasDump(const Finding& fault) const {
  return Any([&](const Finding& other) {
    return other.kind == Finding::Kind::kCoredump && Within(other, fault, kTieUs) &&
           IsProcessOf(fault.pid, other);
  });
}

IncidentMerger::Verdict IncidentMerger::JudgeFault(const Finding& fault, bool young) const {
  if (HasDump(fault)) return Verdict::kDrop;
  return young ? Verdict::kWait : Verdict::kTell;
}

bool IncidentMerger::IsEcho(size_t index) const {
  const std::string& invocation = waiting_[index].invocation;
  if (invocation.empty()) return false;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(index);
  return std::find(failed_.begin(), failed_.end(), invocation) != failed_.end() ||
         std::any_of(waiting_.begin(), end,
                     [&](const Finding& other) { return other.invocation == invocation; });
}

IncidentMerger::Verdict IncidentMerger::JudgeUnitFailure(size_t index, bool young) const {
  const Finding& failure = waiting_[index];
  if (IsEcho(index)) return Verdict::kDrop;
  if (failure.result == "core-dump" || failure.result == "signal") {
    return JudgeCrashedUnit(failure, young);
  }
  const bool killed = failure.result == "oom-kill" && Any([&](const Finding& other) {
                        return (other.kind == Finding::Kind::kOutOfMemory ||
                                other.kind == Finding::Kind::kGroupOutOfMemory) &&
                               Within(other, failure, kTieUs);
                      });
  return killed ? Verdict::kDrop : Verdict::kTell;
}

IncidentMerger::Verdict IncidentMerger::JudgeCrashedUnit(const Finding& failure, bool young) const {
  const bool dumped = Any([&](const Finding& other) {
    if (other.kind != Finding::Kind::kCoredump) return false;
    if (other.source == Finding::Source::kApport) {
      return failure.result == "core-dump" && Within(other, failure, kSameFailureUs);
    }
    return other.unit_tag == failure.unit_tag && Within(other, failure, kTieUs);
  });
  if (dumped) return Verdict::kDrop;
  if (young && failure.result == "core-dump") return Verdict::kWait;
  const bool faulted = Any([&](const Finding& other) {
    return other.kind == Finding::Kind::kFault && Within(other, failure, kSameMomentUs) &&
           !HasDump(other);
  });
  return faulted ? Verdict::kDrop : Verdict::kTell;
}

// Part of what began before, when that still went on a moment ago. A group's limit is that of one
// program, with one line for each of its processes.
IncidentMerger::Verdict IncidentMerger::JudgeSystemFailure(size_t index, int64_t goes_on_us) const {
  const Finding& finding = waiting_[index];
  bool again = false;
  Before(index, [&](const Finding& other) {
    const bool same_program =
        finding.kind != Finding::Kind::kGroupOutOfMemory || other.task_tag == finding.task_tag;
    again = other.kind == finding.kind && same_program && Within(other, finding, goes_on_us);
    return !again;
  });
  return again ? Verdict::kDrop : Verdict::kTell;
}

IncidentMerger::Verdict IncidentMerger::JudgeJobFailure(size_t index) const {
  const Finding& failure = waiting_[index];
  if (IsEcho(index)) return Verdict::kDrop;
  const bool told = Any([&](const Finding& other) {
    return other.kind == Finding::Kind::kUnitFailure && other.unit_tag == failure.unit_tag &&
           Within(other, failure, kSameFailureUs);
  });
  return told ? Verdict::kDrop : Verdict::kTell;
}

void IncidentMerger::Remember(const Finding& finding, bool told) {
  settled_.push_back({finding, told});
  if (settled_.size() > kSettledMax) settled_.pop_front();
  if (!finding.invocation.empty()) RememberInvocation(finding.invocation);
}

void IncidentMerger::RememberInvocation(std::string_view invocation) {
  std::erase(failed_, invocation);
  failed_.emplace_back(invocation);
  if (failed_.size() > kInvocationsMax) failed_.pop_front();
}

}  // namespace candor
