#include "agent/samplers/crash/stack.h"

#include "agent/samplers/support/text.h"
#include "common/hash.h"

namespace candor {
namespace {

constexpr std::string_view kThread = "Stack trace of thread ";

// "#0  0x00007f1f2c3d4e51 raise (libc.so.6 + 0x38d51)" to "libc.so.6!raise"; empty for other lines.
std::string FrameName(std::string_view line) {
  line = Trim(line);
  if (!line.starts_with('#')) return {};
  const size_t address = line.find(" 0x");
  if (address == std::string_view::npos) return {};
  const size_t name = line.find(' ', address + 1);
  const size_t open = line.rfind(" (");
  const size_t offset = line.rfind(" + 0x");
  if (name == std::string_view::npos || open == std::string_view::npos || open < name) return {};
  const size_t module_end =
      offset != std::string_view::npos && offset > open ? offset : line.rfind(')');
  if (module_end == std::string_view::npos || module_end < open + 2) return {};
  std::string_view module = line.substr(open + 2, module_end - open - 2);
  module = module.substr(module.rfind('/') + 1);
  std::string_view function = open > name ? Trim(line.substr(name, open - name)) : "";
  if (function == "n/a") function = "";
  return Concat(module, "!", function);
}

std::string Signature(std::string_view frames) {
  return frames.empty() ? std::string() : Sha256(frames).substr(0, kSignatureBytes);
}

}  // namespace

std::string StackSignature(std::string_view message) {
  const size_t start = message.find(kThread);
  if (start == std::string_view::npos) return {};
  std::string_view trace = message.substr(start + kThread.size());
  trace = trace.substr(0, trace.find(kThread));  // the crashed thread comes first
  std::string frames;
  size_t count = 0;
  for (const std::string_view line : Split(trace, '\n')) {
    const std::string frame = FrameName(line);
    if (frame.empty()) continue;
    if (++count > kFramesMax) break;
    frames.append(frame).push_back('\n');
  }
  return Signature(frames);
}

std::string ModuleSignature(std::string_view module) {
  return Signature(module.empty() ? std::string() : Concat(module, "!\n"));
}

std::vector<uint32_t> StackThreads(std::string_view message) {
  std::vector<uint32_t> threads;
  for (size_t at = message.find(kThread);
       at != std::string_view::npos && threads.size() < kThreadsMax;
       at = message.find(kThread, at)) {
    at += kThread.size();
    const std::string_view rest = message.substr(at);
    const auto thread = ParseNumber<uint32_t>(rest.substr(0, rest.find(':')));
    if (thread) threads.push_back(*thread);
  }
  return threads;
}

}  // namespace candor
