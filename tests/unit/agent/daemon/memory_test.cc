#include "agent/daemon/memory.h"

#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/catch.h"

namespace candor {
namespace {

// Pages of files that this process has mapped in, in KiB.
int64_t FileKib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "RssFile:" && status >> kib) return kib;
  }
  return -1;
}

int written = 1;

TEST_CASE("pages of the program's files are given back, and what was written to is kept") {
  std::ostringstream text;
  text << "something for a stream's code to do " << 1.5;
  written = 2;
  const int64_t before_kib = FileKib();
  GiveBackMemory();
  const int64_t after_kib = FileKib();
  REQUIRE(before_kib > 0);
  CHECK(after_kib < before_kib * 3 / 4);
  CHECK(written == 2);
  CHECK(text.str() == "something for a stream's code to do 1.5");
}

}  // namespace
}  // namespace candor
