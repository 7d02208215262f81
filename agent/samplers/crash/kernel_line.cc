#include "agent/samplers/crash/kernel_line.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

constexpr size_t kNameBytesMax = 64;

struct Task {
  std::string name;
  uint32_t pid = 0;
};

// "NAME[PID]" at the end of `text`; names may hold blanks and brackets.
std::optional<Task> TaskInBrackets(std::string_view text) {
  if (!text.ends_with(']')) return std::nullopt;
  const size_t open = text.rfind('[');
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  const auto pid = ParseNumber<uint32_t>(text.substr(open + 1, text.size() - open - 2));
  if (!pid) return std::nullopt;
  return Task{std::string(text.substr(0, open).substr(0, kNameBytesMax)), *pid};
}

// "... in libfoo.so.1[7f…+1000]"
std::string ModuleOf(std::string_view text) {
  const auto module = Between(text, " in ", "[");
  if (!module || module->find(' ') != std::string_view::npos) return {};
  return std::string(module->substr(module->rfind('/') + 1).substr(0, kNameBytesMax));
}

std::optional<KernelLine> Fault(std::string_view before, std::string_view after, uint32_t signal) {
  const auto task = TaskInBrackets(before);
  if (!task) return std::nullopt;
  KernelLine line;
  line.kind = KernelLine::Kind::kFault;
  line.task = task->name;
  line.pid = task->pid;
  line.signal = signal;
  line.module = ModuleOf(after);
  return line;
}

// "NAME[PID]: segfault at ADDRESS ip … sp … error 4 in MODULE[…]"
std::optional<KernelLine> Segfault(std::string_view message) {
  constexpr std::string_view kMark = ": segfault at ";
  const size_t at = message.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  return Fault(message.substr(0, at), message.substr(at), SIGSEGV);
}

// "traps: NAME[PID] trap divide error ip:… sp:… error:0 in MODULE[…]"
std::optional<KernelLine> Trap(std::string_view message) {
  constexpr std::string_view kPrefix = "traps: ";
  if (!message.starts_with(kPrefix)) return std::nullopt;
  message.remove_prefix(kPrefix.size());
  const std::pair<std::string_view, int> kTraps[] = {
      {" trap invalid opcode ", SIGILL}, {" trap divide error ", SIGFPE},  {" trap int3 ", SIGTRAP},
      {" trap stack segment ", SIGBUS},  {" general protection", SIGSEGV},
  };
  for (const auto& [mark, signal] : kTraps) {
    const size_t at = message.find(mark);
    if (at == std::string_view::npos) continue;
    return Fault(message.substr(0, at), message.substr(at), static_cast<uint32_t>(signal));
  }
  return std::nullopt;
}

// "Out of memory: Killed process PID (NAME) total-vm:…", and the same of a group with a limit.
std::optional<KernelLine> OutOfMemory(std::string_view message) {
  const bool group = message.starts_with("Memory cgroup out of memory: ");
  if (!group && !message.starts_with("Out of memory")) return std::nullopt;
  const auto pid_text = Between(message, ": Killed process ", " (");
  const size_t open = message.find(" (", message.find("Killed process"));
  const size_t close = message.rfind(") total-vm");
  if (!pid_text || open == std::string_view::npos || close == std::string_view::npos ||
      close < open + 2) {
    return std::nullopt;
  }
  KernelLine line;
  line.kind = group ? KernelLine::Kind::kGroupOutOfMemory : KernelLine::Kind::kOutOfMemory;
  line.task = std::string(message.substr(open + 2, close - open - 2).substr(0, kNameBytesMax));
  line.pid = ParseNumber<uint32_t>(*pid_text).value_or(0);
  if (group) line.signal = SIGKILL;
  return line;
}

// The graphics processor stopped and was started again. By driver: i915 "GPU HANG: ecode
// 9:1:85dffffb, in Xorg [1234]" or "Resetting chip for …", amdgpu "GPU reset begin!", radeon "GPU
// lockup (current fence id …)", xe "GT0: reset started", nouveau "channel 5 killed!", nvidia "NVRM:
// Xid (PCI:0000:01:00): 79, …"; newer kernels for all of them "device wedged, …".
std::optional<KernelLine> GpuReset(std::string_view message) {
  // What NVIDIA's list of Xid errors calls fatal for all that runs on the card: the processor hung
  // (8), fell off the bus (79), or must be reset (62, 119, 154).
  constexpr auto kFatalXids = std::to_array<std::string_view>({"8", "62", "79", "119", "154"});
  constexpr auto kMarks = std::to_array<std::string_view>(
      {"GPU HANG: ecode ", "Resetting chip for ", "GPU reset begin!", "GPU lockup (current fence",
       "[drm] device wedged, "});
  const auto has = [&](std::string_view mark) {
    return message.find(mark) != std::string_view::npos;
  };
  bool reset = std::any_of(kMarks.begin(), kMarks.end(), has);
  reset = reset || (message.starts_with("xe ") && message.ends_with(": reset started"));
  reset = reset || (message.starts_with("nouveau ") && message.ends_with(" killed!"));
  if (const auto xid = Between(message, "NVRM: Xid (", ","); xid && !reset) {
    const size_t colon = xid->rfind("): ");
    const std::string_view number =
        colon == std::string_view::npos ? std::string_view() : xid->substr(colon + 3);
    reset = std::find(kFatalXids.begin(), kFatalXids.end(), number) != kFatalXids.end();
  }
  if (!reset) return std::nullopt;
  KernelLine line;
  line.kind = KernelLine::Kind::kGpuReset;
  return line;
}

// "INFO: task NAME:PID blocked for more than 120 seconds."
std::optional<KernelLine> HungTask(std::string_view message) {
  const auto task = Between(message, "INFO: task ", " blocked for more than ");
  if (!task) return std::nullopt;
  const size_t colon = task->rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  KernelLine line;
  line.kind = KernelLine::Kind::kHungTask;
  line.task = std::string(task->substr(0, colon).substr(0, kNameBytesMax));
  line.pid = ParseNumber<uint32_t>(task->substr(colon + 1)).value_or(0);
  return line;
}

}  // namespace

std::optional<KernelLine> ParseKernelLine(std::string_view message) {
  for (const auto parse : {Segfault, Trap, OutOfMemory, GpuReset, HungTask}) {
    if (auto line = parse(message)) return line;
  }
  return std::nullopt;
}

}  // namespace candor
