#include "agent/samplers/crash/kernel_line.h"

#include <csignal>

#include "tests/support/catch.h"

namespace candor {
namespace {

using LineKind = KernelLine::Kind;

TEST_CASE("a segfault line tells task, thread, signal and module") {
  const auto line = ParseKernelLine(
      "Web Content[4711]: segfault at 0 ip 00007f8a1c2d3e4f sp 00007ffd0a1b2c30 error 4 in "
      "libxul.so[7f8a18000000+5a3f000] likely on CPU 3 (core 1, socket 0)");
  REQUIRE(line);
  CHECK(line->kind == LineKind::kFault);
  CHECK(line->task == "Web Content");
  CHECK(line->pid == 4711);
  CHECK(line->signal == SIGSEGV);
  CHECK(line->module == "libxul.so");
}

TEST_CASE("a segfault outside of any module has none") {
  const auto line = ParseKernelLine("a]b[c[77]: segfault at dead ip 0 sp 0 error 14");
  REQUIRE(line);
  CHECK(line->task == "a]b[c");
  CHECK(line->pid == 77);
  CHECK(line->module.empty());
}

TEST_CASE("traps end in the signal the kernel sends for them") {
  const auto [text, signal] = GENERATE(table<std::string, int>(
      {{"traps: foo[9] trap invalid opcode ip:55 sp:7f error:0 in foo[55+1000]", SIGILL},
       {"traps: foo[9] trap divide error ip:55 sp:7f error:0 in foo[55+1000]", SIGFPE},
       {"traps: foo[9] trap int3 ip:55 sp:7f error:0 in foo[55+1000]", SIGTRAP},
       {"traps: foo[9] trap stack segment ip:55 sp:7f error:0 in foo[55+1000]", SIGBUS},
       {"traps: foo[9] general protection fault ip:55 sp:7f error:0 in foo[55+1000]", SIGSEGV},
       {"traps: foo[9] general protection ip:55 sp:7f error:0 in foo[55+1000]", SIGSEGV}}));
  const auto line = ParseKernelLine(text);
  REQUIRE(line);
  CHECK(line->kind == LineKind::kFault);
  CHECK(line->signal == static_cast<uint32_t>(signal));
  CHECK(line->task == "foo");
  CHECK(line->pid == 9);
  CHECK(line->module == "foo");
}

TEST_CASE("an out-of-memory kill of the system is told with its task") {
  const auto line = ParseKernelLine(
      "Out of memory: Killed process 12345 (chrome (tab)) total-vm:8392040kB, anon-rss:6291456kB, "
      "file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:12800kB oom_score_adj:300");
  REQUIRE(line);
  CHECK(line->kind == LineKind::kOutOfMemory);
  CHECK(line->task == "chrome (tab)");
  CHECK(line->pid == 12345);
}

TEST_CASE("a kill inside a limited group is told apart from one of the system") {
  const auto line = ParseKernelLine(
      "Memory cgroup out of memory: Killed process 12 (foo) total-vm:1kB, anon-rss:1kB");
  REQUIRE(line);
  CHECK(line->kind == LineKind::kGroupOutOfMemory);
  CHECK(line->task == "foo");
  CHECK(line->pid == 12);
  CHECK(line->signal == SIGKILL);
}

TEST_CASE("a graphics processor that was reset, by each driver's words") {
  const auto text =
      GENERATE("i915 0000:00:02.0: [drm] GPU HANG: ecode 9:1:85dffffb, in Xorg [1234]",
               "i915 0000:00:02.0: [drm] GT0: Resetting chip for stopped heartbeat on rcs0",
               "amdgpu 0000:06:00.0: amdgpu: GPU reset begin!",
               "amdgpu 0000:c5:00.0: amdgpu: GPU reset begin!. Source:  3",
               "radeon 0000:01:00.0: GPU lockup (current fence id 0x2 last fence id 0x3 on ring 0)",
               "xe 0000:00:02.0: [drm] GT0: reset started",
               "nouveau 0000:01:00.0: Xorg[812]: channel 5 killed!",
               "amdgpu 0000:c5:00.0: [drm] device wedged, but recovered through reset",
               "NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen "
               "off the bus.");
  CAPTURE(text);
  const auto line = ParseKernelLine(text);
  REQUIRE(line);
  CHECK(line->kind == LineKind::kGpuReset);
}

TEST_CASE("what a graphics driver says of a single program is no reset") {
  const auto text =
      GENERATE("NVRM: Xid (PCI:0000:01:00): 31, pid=4711, name=game, Ch 00000008, MMU Fault",
               "NVRM: Xid (PCI:0000:01:00", "NVRM: Xid (: 79,",
               "amdgpu 0000:c5:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=1",
               "nouveau 0000:01:00.0: fifo: fault 01 [VIRT_WRITE]", "a process was killed!",
               "xe 0000:00:02.0: [drm] GT0: reset done");
  CAPTURE(text);
  CHECK_FALSE(ParseKernelLine(text));
}

TEST_CASE("a hung task is told with its name") {
  const auto hung =
      ParseKernelLine("INFO: task kworker/u8:2:1234 blocked for more than 120 seconds.");
  REQUIRE(hung);
  CHECK(hung->kind == LineKind::kHungTask);
  CHECK(hung->task == "kworker/u8:2");
  CHECK(hung->pid == 1234);
}

TEST_CASE("other lines tell nothing") {
  const auto text =
      GENERATE("", "usb 1-1: new high-speed USB device number 5 using xhci_hcd", ": segfault at 0",
               "[12]: segfault at 0", "foo[]: segfault at 0", "foo[99999999999]: segfault at 0",
               "traps: ", "traps: foo trap divide error", "Out of memory: Killed process",
               "INFO: task  blocked", "Out of memory: Killed process 12 (foo",
               "a mail about a segfault at work", "Out of memory) total-vm: Killed process 1 (x");
  CHECK_FALSE(ParseKernelLine(text));
}

}  // namespace
}  // namespace candor
