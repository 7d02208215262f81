// A machine for the crash sampler: real journal files, a package database, a core pattern, with
// recorded content.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/samplers/crash/crash.h"
#include "common/time_text.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_journal.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

inline const std::string kCrashBoot = "11111111222233334444555555555555";
using Fields = std::vector<std::pair<std::string, std::string>>;

inline void WriteFile(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

inline Fields DumpedCore(uint32_t pid, const std::string& executable) {
  return {{"MESSAGE_ID", "fc2e22bc6ee647b6b90729ab34a250b1"},
          {"MESSAGE",
           "Process 1 (x) of user 1000 dumped core.\n\nStack trace of thread 1:\n"
           "#0  0x00007f60a3f2e503 clock_nanosleep (libc.so.6 + 0xcf503)\n"},
          {"COREDUMP_PID", std::to_string(pid)},
          {"COREDUMP_EXE", executable},
          {"COREDUMP_COMM", "secretname"},
          {"COREDUMP_CMDLINE", "secretname --password=hunter2"},
          {"COREDUMP_ENVIRON", "TOKEN=hunter2"},
          {"COREDUMP_SIGNAL", "11"},
          {"COREDUMP_UNIT", "session-1.scope"}};
}
inline Fields FailedUnit(const std::string& unit) {
  return {{"MESSAGE_ID", "d9b373ed55a64feb8242e02dbe79a49c"},
          {"MESSAGE", unit + ": Failed with result 'exit-code'."},
          {"UNIT", unit},
          {"UNIT_RESULT", "exit-code"}};
}
inline Fields KernelSays(const std::string& text) {
  return {{"_TRANSPORT", "kernel"}, {"MESSAGE", text}};
}

struct CrashMachine {
  CrashMachine() {
    context.roots.proc = folder.File("proc");
    context.roots.var = folder.File("var");
    context.roots.usr = folder.File("usr");
    context.roots.run = folder.File("run");
    SetCorePattern("|/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h");
    const std::string dpkg = context.roots.var + "/lib/dpkg";
    WriteFile(dpkg + "/status",
              "Package: bash\nVersion: 5.2\n\nPackage: coreutils\nArchitecture: amd64\n"
              "Version: 9.1-1\n\n");
    WriteFile(dpkg + "/info/bash.list", "/.\n/bin\n/bin/bash\n");
    WriteFile(dpkg + "/info/coreutils.list", "/.\n/bin\n/bin/sleep\n/usr/bin/env\n");
    WriteFile(context.roots.usr + "/lib/systemd/system/cups.service", "");
    std::filesystem::create_directories(context.roots.var + "/log/journal");
    Log({{"MESSAGE", "the machine is up"}});
  }

  void SetCorePattern(const std::string& pattern) const {
    WriteFile(context.roots.proc + "/sys/kernel/core_pattern", pattern + "\n");
  }

  // Writes an entry now; each is a millisecond apart from the one before.
  void Log(const Fields& fields) { LogTo("system.journal", fields); }
  void LogTo(const std::string& file, const Fields& fields) {
    clock.Advance(1);
    AppendJournal(context.roots.var + "/log/journal/" + file,
                  {{kCrashBoot, clock.WallMs() * 1000, clock.BoottimeMs() * 1000, fields}});
  }

  // Until what is held is told.
  void SampleLater() {
    clock.Advance(61'000);
    Sample();
  }
  void Sample() {
    if (sampler == nullptr) sampler = MakeCrashSampler(context);
    RunSample(io, *sampler, {clock.WallMs(), clock.BoottimeMs(), true, true});
  }
  // The agent stops and starts again with what was saved.
  void Restart() {
    for (const auto& [name, value] : recorder.cursors) saved[name] = value;
    sampler.reset();
  }
  // As apport writes it.
  std::string LocalTime() const {
    const int64_t wall_ms = clock.WallMs();
    std::string text = FormatTime(wall_ms + clock.UtcOffsetMin(wall_ms) * int64_t{60'000});
    text = text.substr(0, 19) + ",000";
    text[10] = ' ';
    return text;
  }
  std::vector<v1::Crash> Crashes() const {
    std::vector<v1::Crash> crashes;
    for (const auto& kept : recorder.events) {
      if (kept.event.has_crash()) crashes.push_back(kept.event.crash());
    }
    return crashes;
  }

  TempFolder folder;
  boost::asio::io_context io;
  ManualClock clock;
  RecordingRecorder recorder;
  std::map<std::string, std::string> saved;
  SamplerContext context{io, clock, recorder, {}, [this](std::string_view name) {
                           const auto at = saved.find(std::string(name));
                           return at == saved.end() ? std::string() : at->second;
                         }};
  std::unique_ptr<Sampler> sampler;
};

}  // namespace candor::testing
