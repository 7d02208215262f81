#include "common/privileges.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr uid_t kSomebody = 65'533;

// Runs `work` in a process of its own and gives what it returns.
int InChild(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int state = 0;
  waitpid(child, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

TEST_CASE("root becomes whoever owns the folder, for good") {
  if (geteuid() != 0) {
    WARN("skipped: not root");
    return;
  }
  const testing::TempFolder folder;
  REQUIRE(chown(folder.path().c_str(), kSomebody, kSomebody) == 0);
  CHECK(InChild([&] {
          if (!BecomeOwnerOf(folder.path()).ok()) return 1;
          if (geteuid() != kSomebody || getuid() != kSomebody || getegid() != kSomebody) return 2;
          if (getgroups(0, nullptr) != 0) return 3;
          return setuid(0) == 0 ? 4 : 0;
        }) == 0);
}

TEST_CASE("what is one's own, or not there, changes nothing") {
  const testing::TempFolder folder;
  const uid_t before = geteuid();
  for (const std::string& path : {folder.path(), folder.File("not-there")}) {
    CHECK(InChild([&] { return BecomeOwnerOf(path).ok() && geteuid() == before ? 0 : 1; }) == 0);
  }
}

}  // namespace
}  // namespace candor
