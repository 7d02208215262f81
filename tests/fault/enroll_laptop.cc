#include "tests/fault/enroll_laptop.h"

#include <filesystem>

namespace candor::testing {

void EnrollLaptop(const CollectorFixture& collector, const std::string& token_file,
                  const std::string& state, const std::string& host) {
  std::filesystem::create_directories(state);
  RequireSuccess(
      RunProgram({ProgramPath("candor-uplink"), "enroll", "--collector", collector.enroll_address(),
                  "--token-file", token_file, "--ca-fingerprint", collector.fingerprint(),
                  "--state", state, "--host", host}),
      "candor-uplink enroll");
}

}  // namespace candor::testing
