#include "collector/server/open_files.h"

#include <sys/resource.h>

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("the soft limit is raised to the hard one and no further") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 128;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(RaiseOpenFilesLimit() == before.rlim_max);
  rlimit after{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_max);
  CHECK(after.rlim_max == before.rlim_max);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("fewer files than laptops and a margin is told, with both numbers and what to do") {
  CHECK(OpenFilesWarning(10'000 + kOpenFilesBeside, 10'000).empty());
  CHECK(OpenFilesWarning(UINT64_MAX, 10'000).empty());
  const std::string warning = OpenFilesWarning(10'000 + kOpenFilesBeside - 1, 10'000);
  INFO(warning);
  for (const char* part : {"limits.streams is 10000", "10255 files", "LimitNOFILE=) to 10256"}) {
    INFO(part);
    CHECK(warning.find(part) != std::string::npos);
  }
}

}  // namespace
}  // namespace candor
