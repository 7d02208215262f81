#include "tests/laptop/core_dumps.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/locked_file.h"
#include "tests/support/process.h"
#include "tests/support/wait_for.h"

namespace candor::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kCorePattern[] = "/proc/sys/kernel/core_pattern";

std::string CurrentPattern() {
  std::ifstream in(kCorePattern);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string TryForCoreDumps() {
  const TempFolder folder;
  const std::string mark = folder.File("called");
  try {
    const CoreDumpHelper helper("cat >/dev/null; touch " + mark);
    RunProgram({"sh", "-c", "kill -SEGV $$"});
    if (WaitFor(3, [&] { return fs::exists(mark); })) return {};
    return "the kernel does not find a core dump's helper that is in this root";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace

CoreDumpHelper::CoreDumpHelper(std::string_view commands)
    : lock_(LockedFile(fs::temp_directory_path() / "candor-core-pattern.lock")),
      before_(CurrentPattern()) {
  // Named after what it leads to: that is how the agent knows where core dumps go.
  const std::string helper = folder_.File("systemd-coredump");
  std::ofstream(helper) << "#!/bin/sh\n" << commands << "\n";
  fs::permissions(helper, fs::perms::owner_all);
  std::ofstream pattern(kCorePattern);
  pattern << "|" << helper << " %p %u %g %s %t %c %h";
  pattern.close();
  if (!pattern) throw std::runtime_error(std::string("cannot set ") + kCorePattern);
}

CoreDumpHelper::~CoreDumpHelper() { std::ofstream(kCorePattern) << before_; }

CrashForwarding::CrashForwarding(const Container& container)
    : helper_("exec nsenter --target " + std::to_string(container.leader()) +
              " --mount --uts --ipc --pid --net --root -- /lib/systemd/systemd-coredump \"$@\"") {}

std::string LacksForCoreDumps() {
  static const std::string lacks = TryForCoreDumps();
  return lacks;
}

}  // namespace candor::testing
