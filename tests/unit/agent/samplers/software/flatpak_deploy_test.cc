#include "agent/samplers/software/flatpak_deploy.h"

#include "common/hash.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/software/software_laptop.h"

namespace candor {
namespace testing {

std::string DeployFile(const std::string& version) {
  std::string bytes = *FromHex(
      "666c6174687562003366356139633132623865303764366431623066316630613962356237623065326134633665"
      "386630613162326333643465356636303731383239336134623500000000000000000000a005000000006465706c"
      "6f792d76657273696f6e00000400000000690f0074696d657374616d700000000000000060fa2269000000000074"
      "0a000000000072756e74696d65006f72672e6d6f7a696c6c612e66697265666f782f7838365f36342f737461626c"
      "6500007308000000617070646174612d6e616d65000000000046697265666f780001617070646174612d76657273"
      "696f6e007472617000100a2000617b73737d0d00000000000000617070646174612d76657273696f6e003134352e"
      "302e31000073100000000000617070646174612d6c6963656e7365004d504c2d322e3000007310173365a1c3e349"
      "0049000800");
  const std::string recorded = "145.0.1";
  if (!version.empty()) bytes.replace(bytes.find(recorded), recorded.size(), version);
  return bytes;
}

}  // namespace testing

namespace {

TEST_CASE("the version stands in flatpak's deploy file, as flatpak itself shows it") {
  CHECK(AppdataVersion(testing::DeployFile("")) == "145.0.1");
  CHECK(AppdataVersion(testing::DeployFile("9")) == "9");
}

TEST_CASE("a deploy file without a version, cut off, or of anything else tells none") {
  const std::string bare = *FromHex(
      "666c6174687562006161313162623232636333330000000001000000000000006465706c6f792d76657273696f6e"
      "00000400000000690f0074696d657374616d700000000000000060fa226900000000740a1733151508");
  CHECK(AppdataVersion(bare).empty());
  const std::string whole = testing::DeployFile("");
  for (size_t size = 0; size < whole.find("145.0.1") + 10; ++size) {
    INFO(size);
    REQUIRE(AppdataVersion(std::string_view(whole).substr(0, size)).empty());
  }
  CHECK(AppdataVersion("").empty());
  CHECK(AppdataVersion(std::string(1 << 20, '\0')).empty());
}

}  // namespace
}  // namespace candor
