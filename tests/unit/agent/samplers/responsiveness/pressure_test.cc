#include "agent/samplers/responsiveness/pressure.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr char kRecorded[] =
    "some avg10=12.35 avg60=6.91 avg300=2.79 total=19399245\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n";

TEST_CASE("the total of some stalls is read, not that of full ones") {
  CHECK(ParseSomeTotalUs(kRecorded) == 19'399'245);
  CHECK(ParseSomeTotalUs("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n") == 0);
}

TEST_CASE("what is no pressure file gives nothing") {
  const std::string text = GENERATE(
      as<std::string>{}, "", "full avg10=0.00 total=5\n", "some avg10=0.00\nfull total=5\n",
      "some total=\n", "some total=12x\n", "some total=-1\n", "some total=99999999999999999999\n");
  CAPTURE(text);
  CHECK_FALSE(ParseSomeTotalUs(text));
}

TEST_CASE("microseconds become milliseconds without losing any") {
  StallMeter meter;
  CHECK_FALSE(meter.TakeMs(5'000'400));
  CHECK(meter.TakeMs(5'001'300) == 0);
  CHECK(meter.TakeMs(5'001'500) == 1);
  int64_t sum = 0;
  for (int64_t total = 5'001'500; total <= 5'011'400; total += 100) sum += *meter.TakeMs(total);
  CHECK(sum == 10);  // 9.9 ms and the 0.1 ms carried
}

TEST_CASE("a total that went back starts anew") {
  StallMeter meter;
  meter.TakeMs(9'000'000);
  CHECK_FALSE(meter.TakeMs(1'000));
  CHECK(meter.TakeMs(3'000) == 2);
}

TEST_CASE("a meter that starts at a known total counts from there") {
  StallMeter meter(0);
  CHECK(meter.TakeMs(2'500) == 2);
}

class Proc {
 public:
  Proc() { std::filesystem::create_directories(folder_.File("pressure")); }
  void Set(const std::string& kind, int64_t total) const {
    std::ofstream(folder_.File("pressure/" + kind))
        << "some avg10=0.00 avg60=0.00 avg300=0.00 total=" << total << "\nfull total=1\n";
  }
  const std::string& path() const { return folder_.path(); }

 private:
  testing::TempFolder folder_;
};

TEST_CASE("the files stay open and are read from their start each time") {
  Proc proc;
  proc.Set("cpu", 100);
  proc.Set("memory", 200);
  proc.Set("io", 300);
  auto files = OpenPressureFiles(proc.path());
  REQUIRE_OK(files);
  CHECK(*(*files)->ReadTotalsUs() == std::array<int64_t, 3>{100, 200, 300});
  proc.Set("memory", 250);
  CHECK(*(*files)->ReadTotalsUs() == std::array<int64_t, 3>{100, 250, 300});
}

TEST_CASE("a kernel without pressure figures is named as the reason") {
  testing::TempFolder proc;
  const auto files = OpenPressureFiles(proc.path());
  REQUIRE_FALSE(files.ok());
  CHECK(files.status().message().find("PSI is off") != absl::string_view::npos);
}

TEST_CASE("a pressure file in an unknown form is named") {
  Proc proc;
  proc.Set("cpu", 100);
  proc.Set("io", 300);
  std::ofstream(proc.path() + "/pressure/memory") << "none\n";
  const auto files = OpenPressureFiles(proc.path());
  REQUIRE_FALSE(files.ok());
  CHECK(files.status().message() == "pressure/memory is not in a known form");
}

}  // namespace
}  // namespace candor
