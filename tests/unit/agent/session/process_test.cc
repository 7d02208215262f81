#include "agent/session/process.h"

#include <time.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("a process's start is its 22nd field, whatever its name holds") {
  const std::string rest =
      " S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1234 99 1 18446744073709551615";
  CHECK(ParseStartUs("77 (editor)" + rest, 100) == 12'340'000);
  CHECK(ParseStartUs("77 (a) b (c d)" + rest, 100) == 12'340'000);
  CHECK(ParseStartUs("77 (editor)" + rest, 1000) == 1'234'000);
  CHECK_FALSE(ParseStartUs("77 (editor) S 1 2 3", 100));
  CHECK_FALSE(ParseStartUs("77 editor" + rest, 100));
  CHECK_FALSE(ParseStartUs("", 100));
  CHECK_FALSE(ParseStartUs("77 (editor)" + rest, 0));
}

TEST_CASE("a process's control group, under both versions") {
  CHECK(ParseCgroup("0::/user.slice/app.slice/app-gnome-editor-1.scope\n") ==
        "/user.slice/app.slice/app-gnome-editor-1.scope");
  CHECK(ParseCgroup("5:memory:/m\n1:name=systemd:/user.slice/session-1.scope\n0::/\n") ==
        "/user.slice/session-1.scope");
  CHECK(ParseCgroup("5:memory:/m\n").empty());
  CHECK(ParseCgroup("nonsense").empty());
}

TEST_CASE("this very process: its program, its name, and when it started") {
  const auto self = ReadProcess("/proc", ::getpid());
  REQUIRE(self);
  CHECK(self->program.executable == std::filesystem::read_symlink("/proc/self/exe"));
  CHECK_FALSE(self->program.task.empty());
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const int64_t now_us = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  CHECK(self->started_us <= now_us);
  CHECK(now_us - self->started_us < 600'000'000);
  CHECK_FALSE(ReadProcess("/proc", 999'999'999));
}

}  // namespace
}  // namespace candor
