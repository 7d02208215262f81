// This build's own .deb and .rpm files, made as packaging/packages.sh makes them for everybody, and
// a laptop that they are installed on.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/laptop/container.h"
#include "tests/laptop/laptop_line.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

class Packages {
 public:
  // `kind`: deb or rpm. Throws std::runtime_error with what went wrong.
  explicit Packages(const std::string& kind);
  // The folder that holds them, readable by everybody, and the file of one of them.
  const std::string& folder() const { return folder_.path(); }
  std::string FileOf(const std::string& package) const;
  // The same package with a later version, as the next release would be.
  std::string Later(const std::string& package) const;

 private:
  TempFolder folder_;
};

// A service to probe, for the agent's settings.
std::string ServiceSettings(const LaptopLine& line);
// Settings within the agent's compiled-in limits that keep a test short, and a service to probe.
void WriteQuickSettings(const Container& laptop, const LaptopLine& line);
// How the laptop is to enrol with `collector`, left by root as IT would.
void WriteEnrollFile(const Container& laptop, CollectorFixture& collector);
// Installs /packages/`file` as IT's scripts do: nobody answers, and a question is an error. The
// folder of packages must be bound there. Throws with what apt or rpm said.
void InstallPackage(const Container& laptop, const std::string& file);
// Every value and event that the laptop sent, oldest batch first, as `candor-agent ledger --batch`
// shows them to root.
std::vector<nlohmann::json> SentRows(const Container& laptop);

}  // namespace candor::testing
