#include "common/tls/labels.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("A label is key=value", "[labels]") {
  const auto label = ParseLabel("department=R&D = Zürich");
  REQUIRE_OK(label);
  REQUIRE(label->first == "department");
  REQUIRE(label->second == "R&D = Zürich");
}

TEST_CASE("A label outside its limits is refused", "[labels]") {
  const std::string text =
      GENERATE("", "department", "=Sales", "department=", "Department=Sales", "de partment=Sales",
               "department=a\nb", "department=\x7f", "department=\xc3", "department=\xc0\xaf",
               "department=\xed\xa0\x80", "department=\xf5\x80\x80\x80");
  INFO(text);
  REQUIRE(absl::IsInvalidArgument(ParseLabel(text).status()));
}

TEST_CASE("Lengths count to the last byte", "[labels]") {
  REQUIRE_OK(CheckLabel(std::string(32, 'k'), std::string(128, 'v')));
  REQUIRE_FALSE(CheckLabel(std::string(33, 'k'), "v").ok());
  REQUIRE_FALSE(CheckLabel("k", std::string(129, 'v')).ok());
}

TEST_CASE("At most 16 labels, each once", "[labels]") {
  std::vector<std::pair<std::string, std::string>> labels;
  for (int i = 0; i < 16; ++i) labels.emplace_back("k" + std::to_string(i), "v");
  REQUIRE_OK(CheckLabels(labels));
  labels.emplace_back("k16", "v");
  REQUIRE_FALSE(CheckLabels(labels).ok());
  labels.resize(2);
  labels[1].first = "k0";
  const absl::Status twice = CheckLabels(labels);
  REQUIRE(twice.ToString().find("k0 is given twice") != std::string::npos);
}

TEST_CASE("A host name is plain", "[labels]") {
  for (const char* host : {"laptop-1", "LAPTOP_7.example.org", "a"})
    REQUIRE_OK(CheckDeviceHost(host));
  REQUIRE_OK(CheckDeviceHost(std::string(253, 'a')));
  for (const char* host : {"", "a b", "a/b", "a\n", "zürich", "a'b"}) {
    REQUIRE(absl::IsInvalidArgument(CheckDeviceHost(host)));
  }
  REQUIRE_FALSE(CheckDeviceHost(std::string(254, 'a')).ok());
}

}  // namespace
}  // namespace candor
