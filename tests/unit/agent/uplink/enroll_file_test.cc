// Enrolling with nobody at the keyboard: the file, and the push that acts on it.
#include "agent/uplink/enroll_file.h"

#include <sys/stat.h>

#include "common/files.h"
#include "tests/unit/agent/uplink/uplink_fixture.h"

namespace candor {
namespace {

using testing::StartOf;
using testing::TestCollector;
using testing::TestPush;

constexpr char kFingerprint[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

std::string FileText(const std::string& collector, const std::string& fingerprint,
                     const std::string& token) {
  return "# By IT.\ncollector = \"" + collector + "\"\nca_fingerprint = \"" + fingerprint +
         "\"\ntoken = \"" + token + "\"\nlabels = [\"department=Sales\"]\n";
}

struct EnrollFile {
  explicit EnrollFile(const std::string& text, int mode = 0600) {
    REQUIRE_OK(WriteFileAtomically(path, text, mode));
  }
  std::string Text() const { return *ReadFile(path); }

  testing::TempFolder folder;
  const std::string path = folder.File("enroll.toml");
  const std::string state = folder.File("state");
};

TEST_CASE("the file says how to enrol", "[uplink]") {
  const EnrollFile file(FileText("collector.example.org:7444", kFingerprint, "cnd_abc"));
  const auto options = ReadEnrollFile(file.path);
  REQUIRE_OK(options);
  CHECK(options->enrollment == "collector.example.org:7444");
  CHECK(options->ca_fingerprint == kFingerprint);
  CHECK(options->token == "cnd_abc");
  CHECK(options->labels == std::vector<std::string>{"department=Sales"});
}

TEST_CASE("the example that is packed is such a file", "[uplink]") {
  const EnrollFile file(*ReadFile(CANDOR_SOURCE_DIR "/packaging/examples/enroll.toml"));
  REQUIRE_OK(ReadEnrollFile(file.path));
}

TEST_CASE("what is wrong in the file is named with its place", "[uplink]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"token = \"cnd_a\"\ncollector = \"c:1\"\n", "no ca_fingerprint"},
      {"token = \"cnd_a\"\nca_fingerprint = \"aa\"\n", "no collector"},
      {"token = \"secret\"\ncollector = \"c:1\"\nca_fingerprint = \"aa\"\n",
       ":1: token: an enrolment token begins with cnd_"},
      {"token = \"cnd_a\"\ncollector = \"c:1\"\nca_fingerprint = \"aa\"\n", "--ca-fingerprint"},
      {"token = \"cnd_a\"\ncolector = \"c:1\"\n", ":2: colector"},
      {"token = \n", ":1: "},
  }));
  const EnrollFile file(text);
  const absl::Status status = ReadEnrollFile(file.path).status();
  INFO(status);
  CHECK(absl::IsInvalidArgument(status));
  CHECK(std::string(status.message()).find(expected) != std::string::npos);
  CHECK(std::string(status.message()).find(file.path) != std::string::npos);
}

TEST_CASE("a token that others can read is not used", "[uplink]") {
  const EnrollFile file(FileText("c:1", kFingerprint, "cnd_abc"), 0644);
  CHECK(absl::IsFailedPrecondition(ReadEnrollFile(file.path).status()));
}

TEST_CASE("the token goes, whatever way it was written, and the rest stays", "[uplink]") {
  SECTION("as a line") {
    const EnrollFile file(FileText("c:1", kFingerprint, "cnd_abc"));
    REQUIRE_OK(RemoveToken(file.path));
    CHECK(file.Text().find("cnd_") == std::string::npos);
    CHECK(file.Text().find("collector = \"c:1\"") != std::string::npos);
    CHECK(file.Text().find("department=Sales") != std::string::npos);
    // Still good TOML, with nothing to enrol by.
    CHECK(absl::IsNotFound(ReadEnrollFile(file.path).status()));
  }
  SECTION("with spaces") {
    const EnrollFile file("  token\t=\"cnd_abc\"\ncollector = \"c:1\"\n");
    REQUIRE_OK(RemoveToken(file.path));
    CHECK(file.Text() == "# the token was used, and removed\ncollector = \"c:1\"\n");
  }
  SECTION("over two lines") {
    const EnrollFile file("token = \"\"\"\ncnd_abc\"\"\"\ncollector = \"c:1\"\n");
    REQUIRE_OK(RemoveToken(file.path));
    CHECK(file.Text() == "# the token was used, and removed\n");
  }
  SECTION("under a quoted key") {
    const EnrollFile file("\"token\" = \"cnd_abc\"\n");
    REQUIRE_OK(RemoveToken(file.path));
    CHECK(file.Text() == "# the token was used, and removed\n");
  }
}

TEST_CASE("a push that finds no identity enrols as the file says, then pushes", "[uplink]") {
  TestCollector collector;
  const EnrollFile file(
      FileText(collector.enroll_address(), collector.fingerprint(), collector.fleet.Token(1)));
  const SystemClock clock;
  TestPush push(file.state, clock, StartOf(1, 0), file.path);
  push.End();
  const v1::PushDone done = push.Done();
  INFO(done.detail());
  REQUIRE(done.outcome() == v1::PushDone::OK);
  const auto identity = IdentityFiles(file.state).Load();
  REQUIRE_OK(identity);
  CHECK(done.device_id() == identity->device_id);
  CHECK(done.collector() == collector.fleet_address());
  CHECK(collector.fleet.Count("device_label") == 1);
  CHECK(file.Text().find("cnd_") == std::string::npos);
}

TEST_CASE("an enrolled laptop only forgets a token it is given", "[uplink]") {
  TestCollector collector;
  const EnrollFile file(
      FileText(collector.enroll_address(), collector.fingerprint(), collector.fleet.Token(1)));
  const DeviceIdentity identity = collector.EnrollInto(file.state);
  const SystemClock clock;
  TestPush push(file.state, clock, StartOf(1, 0), file.path);
  push.End();
  CHECK(push.Done().device_id() == identity.device_id);
  CHECK(collector.fleet.Count("device") == 1);
  CHECK(file.Text().find("cnd_") == std::string::npos);
}

TEST_CASE("a push that cannot enrol says why, and keeps the token for the next", "[uplink]") {
  TestCollector collector;
  std::string address = collector.enroll_address();
  std::string fingerprint = collector.fingerprint();
  std::string token = collector.fleet.Token(1);
  v1::PushDone::Outcome expected = v1::PushDone::OK;
  SECTION("nobody there") {
    address = "127.0.0.1:1";
    expected = v1::PushDone::UNREACHABLE;
  }
  SECTION("another authority") {
    fingerprint = kFingerprint;
    expected = v1::PushDone::UNTRUSTED_SERVER;
  }
  SECTION("a token that is none") {
    token = "cnd_guess";
    expected = v1::PushDone::FAILED;
  }
  const EnrollFile file(FileText(address, fingerprint, token));
  const SystemClock clock;
  TestPush push(file.state, clock, StartOf(1, 0), file.path);
  push.End();
  const v1::PushDone done = push.Done();
  INFO(done.detail());
  CHECK(done.outcome() == expected);
  CHECK(done.detail().starts_with("not enrolled: "));
  CHECK(done.device_id().empty());
  CHECK(file.Text().find(token) != std::string::npos);
}

TEST_CASE("without identity and file a push says that the laptop is not enrolled", "[uplink]") {
  const testing::TempFolder folder;
  const SystemClock clock;
  TestPush push(folder.File("state"), clock, StartOf(1, 0), folder.File("enroll.toml"));
  push.End();
  CHECK(push.Done().outcome() == v1::PushDone::NOT_ENROLLED);
}

}  // namespace
}  // namespace candor
