// Every machine of tests/data/machines through the real samplers: right values, or why there are
// none, and never anything else.
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <map>
#include <set>

#include "agent/samplers/boot/boot.h"
#include "agent/samplers/health/health.h"
#include "agent/samplers/network/links.h"
#include "agent/samplers/responsiveness/pressure.h"
#include "agent/samplers/software/software.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_machine.h"
#include "tests/support/recording_recorder.h"

namespace candor {
namespace {

// What was found, by name: a value, or after "? " the reason why there is none.
using Found = std::map<std::string, std::string>;

std::string InUnits(double value) {
  std::ostringstream text;
  text << std::round(value * 100) / 100;
  return text.str();
}

std::string Outcome(const testing::RecordingRecorder& recorder, const MetricEntry& metric) {
  const testing::RecordingRecorder::Key key{metric.number, ""};
  const double steps = metric.steps_per_unit;
  const auto reason = recorder.unmeasured.find(key);
  if (reason != recorder.unmeasured.end()) return "? " + reason->second;
  if (recorder.gauges.contains(key)) {
    return InUnits(static_cast<double>(recorder.gauges.at(key)) / steps);
  }
  if (recorder.counted.contains(key)) {
    return InUnits(static_cast<double>(recorder.counted.at(key)) / steps);
  }
  if (recorder.recorded.contains(key)) {
    return InUnits(static_cast<double>(recorder.recorded.at(key).back()) / steps);
  }
  return "none";
}

class LookAtMachine {
 public:
  explicit LookAtMachine(testing::RecordedMachine& machine) : machine_(machine) {
    context_.roots = machine.roots;
    LookAtHealth();
    LookAtBoot();
    LookAtLinks();
    LookAtSoftware();
    const auto pressure = OpenPressureFiles(machine.roots.proc);
    const auto totals = pressure.ok() ? (*pressure)->ReadTotalsUs() : pressure.status();
    found_["pressure"] = totals.ok() ? "measured" : "? " + std::string(MessageOf(totals.status()));
  }

  const Found& found() const { return found_; }

 private:
  void LookAtHealth() {
    const std::unique_ptr<Sampler> sampler = MakeHealthSampler(context_);
    for (int minute = 0; minute < 2; ++minute) {
      testing::RunSample(io_, *sampler, {clock_.WallMs(), clock_.BoottimeMs(), true, true});
      if (minute == 0) machine_.BecomeLater();
      clock_.Advance(60'000);
    }
    for (const MetricEntry& metric : Metrics()) {
      if (metric.family == "health") {
        found_[std::string(metric.name)] = Outcome(recorder_, metric);
      }
    }
    // The same on every machine, or the test machine's own.
    const std::set<std::string> uninteresting = {"agent", "arch", "disk_gib"};
    for (const auto& kept : recorder_.events) {
      CHECK(kept.event.SerializeAsString().find("SECRET") == std::string::npos);
      for (const auto& property : kept.event.inventory().set()) {
        if (uninteresting.contains(property.key())) continue;
        found_["inventory." + property.key()] = property.value();
      }
    }
  }

  void LookAtBoot() {
    recorder_.events.clear();
    const std::unique_ptr<Sampler> sampler = MakeBootSampler(context_);
    testing::RunSample(io_, *sampler, {clock_.WallMs(), clock_.BoottimeMs(), true, true});
    found_["boot.kernel_ms"] = "none";
    for (const auto& kept : recorder_.events) {
      if (!kept.event.boot_done().has_kernel_us()) continue;
      found_["boot.kernel_ms"] = std::to_string(kept.event.boot_done().kernel_us() / 1000);
    }
  }

  void LookAtLinks() {
    const auto links = ReadLinks(machine_.roots.sys);
    if (!links.ok()) found_["links"] = "? " + std::string(MessageOf(links.status()));
    if (!links.ok()) return;
    for (const Link& link : *links) {
      found_["link." + link.name] = std::string(link.medium) + (link.up ? " up" : " down");
    }
  }

  // "software.deb = libssl3 3.0.15-1~deb12u1, openssl 3.0.11-1~deb12u2"
  void LookAtSoftware() {
    recorder_.events.clear();
    const std::unique_ptr<Sampler> sampler = MakeSoftwareSampler(context_);
    testing::RunSample(io_, *sampler, {clock_.WallMs(), clock_.BoottimeMs(), true, true});
    for (const auto& [key, reason] : recorder_.unmeasured) {
      if (key.first != event::kSoftwareChange) continue;
      found_["software" + (key.second.empty() ? "" : "." + key.second)] = "? " + reason;
    }
    for (const auto& kept : recorder_.events) {
      std::string& list = found_["software." + kept.event.software_change().manager()];
      for (const auto& change : kept.event.software_change().changes()) {
        list += (list.empty() ? "" : ", ") + change.name() + " " + change.after();
      }
    }
  }

  testing::RecordedMachine& machine_;
  boost::asio::io_context io_;
  // The files were laid out just now.
  testing::ManualClock clock_{SystemClock().WallMs()};
  testing::RecordingRecorder recorder_;
  SamplerContext context_{io_, clock_, recorder_, {}, [](std::string_view) { return ""; }};
  Found found_;
};

void CheckOne(const std::string& name, char kind, const std::string& expected,
              const std::string& found) {
  INFO(name + ": found " + found + ", expected " + kind + " " + expected);
  if (kind == '?') {
    CHECK(found.starts_with("? "));
    CHECK(found.find(expected) != std::string::npos);
  } else if (expected == "measured") {
    CHECK_FALSE(found.starts_with("? "));
    CHECK(found != "none");
  } else {
    CHECK(found == expected);
  }
}

TEST_CASE("every recorded machine is measured right, or the reason is told") {
  const auto files = testing::RecordedMachines("machines");
  REQUIRE(files.size() >= 12);
  for (const auto& file : files) {
    testing::RecordedMachine machine(file);
    INFO(machine.name());
    Found found = LookAtMachine(machine).found();
    for (const std::string& line : machine.expected()) {
      const size_t space = line.find(' ');
      REQUIRE(space != std::string::npos);
      REQUIRE(space + 3 <= line.size());
      const std::string name = line.substr(0, space);
      INFO(line);
      const auto at = found.find(name);
      CHECK(at != found.end());
      if (at == found.end()) continue;
      CheckOne(name, line[space + 1], line.substr(space + 3), at->second);
      found.erase(at);
    }
    for (const auto& [name, value] : found) {
      INFO(name + " = " + value);
      CHECK(name == "nothing else");
    }
  }
}

}  // namespace
}  // namespace candor
