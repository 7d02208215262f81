#include "common/files.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {

TEST_CASE("a file is written whole, with its mode, and nothing is left beside it") {
  testing::TempFolder folder;
  const std::string path = folder.File("key.pem");
  REQUIRE_OK(WriteFileAtomically(path, "one", 0600));
  REQUIRE_OK(WriteFileAtomically(path, "two", 0600));
  REQUIRE(*ReadFile(path) == "two");
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0600);
  const auto entries = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  REQUIRE(entries == 1);
}

TEST_CASE("reading has a limit and names the path") {
  testing::TempFolder folder;
  const std::string path = folder.File("f");
  REQUIRE_OK(WriteFileAtomically(path, std::string(100, 'x'), 0644));
  REQUIRE_OK(ReadFile(path, 100));
  REQUIRE(ReadFile(path, 99).status().code() == absl::StatusCode::kResourceExhausted);
  const absl::Status absent = ReadFile(folder.File("absent")).status();
  REQUIRE(absent.code() == absl::StatusCode::kNotFound);
  REQUIRE(std::string(absent.message()).find("absent") != std::string::npos);
}

TEST_CASE("a secret that others may read is refused") {
  testing::TempFolder folder;
  const std::string path = folder.File("token");
  REQUIRE_OK(WriteFileAtomically(path, "secret", 0640));
  REQUIRE(ReadSecretFile(path).status().code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE_OK(WriteFileAtomically(path, "secret", 0600));
  REQUIRE(*ReadSecretFile(path) == "secret");
}

TEST_CASE("nobody is told to change the rights of a folder or a device") {
  testing::TempFolder folder;
  for (const std::string& path : {folder.path(), std::string("/dev/null")}) {
    const absl::Status status = ReadSecretFile(path).status();
    REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
    REQUIRE(status.ToString().find("chmod") == std::string::npos);
  }
}

TEST_CASE("folders are made with their parents, a file in the way is an error") {
  testing::TempFolder folder;
  REQUIRE_OK(MakeFolder(folder.File("a/b/c"), 0700));
  REQUIRE_OK(MakeFolder(folder.File("a/b/c"), 0700));
  REQUIRE_OK(WriteFileAtomically(folder.File("f"), "", 0600));
  REQUIRE(MakeFolder(folder.File("f"), 0700).code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("a lock is held by one, says by whom, and goes with its holder") {
  testing::TempFolder folder;
  const std::string path = folder.File("lock");
  {
    const auto held = FileLock::Acquire(path);
    REQUIRE_OK(held);
    const absl::Status second = FileLock::Acquire(path).status();
    REQUIRE(second.code() == absl::StatusCode::kUnavailable);
    REQUIRE(std::string(second.message()).find(std::to_string(getpid())) != std::string::npos);
  }
  REQUIRE_OK(FileLock::Acquire(path));
}

}  // namespace candor
