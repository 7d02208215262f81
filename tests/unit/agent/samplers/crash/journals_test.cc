// Every journal of tests/data/journals through the real sampler: what is told is what happened,
// each once, by names that may be told.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/recorded_machine.h"
#include "tests/unit/agent/samplers/crash/crash_machine.h"

namespace candor {
namespace {

using testing::Fields;

struct TimedEntry {
  int64_t after_ms = 0;
  Fields fields;
};

std::string WithLineEnds(std::string value) {
  for (size_t at = 0; (at = value.find("\\n", at)) != std::string::npos;)
    value.replace(at, 2, "\n");
  return value;
}

std::vector<TimedEntry> EntriesOf(const std::string& text) {
  std::vector<TimedEntry> entries;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    if (line.starts_with('+')) {
      entries.push_back({std::llround(std::stod(line.substr(1)) * 1'000), {}});
      continue;
    }
    const size_t is = line.find('=');
    entries.back().fields.emplace_back(line.substr(0, is), WithLineEnds(line.substr(is + 1)));
  }
  return entries;
}

std::string KindOf(v1::SystemFailure::Kind kind) {
  std::string name = v1::SystemFailure::Kind_Name(kind);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return std::tolower(letter); });
  return name;
}

std::string LineOf(const v1::Event& event) {
  std::ostringstream line;
  uint32_t repeats = 0;
  if (event.has_crash()) {
    const v1::Crash& crash = event.crash();
    line << "crash " << crash.program() << (crash.version().empty() ? "" : " ") << crash.version()
         << " signal=" << crash.signal() << " source=" << crash.source();
    repeats = crash.repeats();
  } else if (event.has_unit_failure()) {
    line << "unit " << event.unit_failure().unit() << " result=" << event.unit_failure().result();
    repeats = event.unit_failure().repeats();
  } else if (event.has_system_failure()) {
    const std::string& detail = event.system_failure().detail();
    line << "system " << KindOf(event.system_failure().kind()) << (detail.empty() ? "" : " ")
         << detail;
  } else {
    line << event.ShortDebugString();
  }
  if (repeats > 0) line << " times=" << repeats + 1;
  return line.str();
}

// Lays the machine out below the sampler's roots, and writes its journal half before and half after
// a restart of the agent.
std::multiset<std::string> ToldOf(testing::RecordedMachine& recorded) {
  testing::CrashMachine machine;
  machine.context.roots = recorded.roots;
  std::filesystem::create_directories(recorded.roots.var + "/log/journal");
  machine.Log({{"MESSAGE", "the machine is up"}});
  const int64_t begin_ms = machine.clock.WallMs();
  machine.Sample();
  recorded.BecomeLater();
  const std::vector<TimedEntry> entries = EntriesOf(recorded.Text("journal"));
  for (size_t i = 0; i < entries.size(); ++i) {
    const int64_t wait_ms = begin_ms + entries[i].after_ms - machine.clock.WallMs() - 1;
    if (wait_ms > 0) machine.clock.Advance(wait_ms);
    machine.Log(entries[i].fields);
    if (i == entries.size() / 2) {
      machine.Sample();
      machine.Restart();
    }
  }
  machine.Sample();
  for (int i = 0; i < 3; ++i) machine.SampleLater();
  std::multiset<std::string> told;
  for (const auto& kept : machine.recorder.events) {
    CHECK(kept.event.SerializeAsString().find("SECRET") == std::string::npos);
    told.insert(LineOf(kept.event));
  }
  for (const auto& [what, reason] : machine.recorder.unmeasured) {
    told.insert("unmeasured " + reason);
  }
  return told;
}

TEST_CASE("of every recorded journal all that happened is told, each once, and nothing else") {
  const auto files = testing::RecordedMachines("journals");
  REQUIRE(files.size() >= 3);
  for (const auto& file : files) {
    testing::RecordedMachine recorded(file);
    INFO(recorded.name());
    std::multiset<std::string> told = ToldOf(recorded);
    for (const std::string& line : recorded.expected()) {
      INFO("expected: " << line);
      const auto at = std::find_if(told.begin(), told.end(), [&](const std::string& one) {
        return one == line || (line.starts_with("unmeasured ") && one.starts_with(line));
      });
      CHECK(at != told.end());
      if (at != told.end()) told.erase(at);
    }
    for (const std::string& line : told) {
      INFO("told: " << line);
      CHECK(line == "nothing else");
    }
  }
}

}  // namespace
}  // namespace candor
