// Where the collector's address and the credential come from, and what is said where they do not.
#include "collector/cli/connection.h"

#include <sys/stat.h>

#include <map>

#include "collector/query/text.h"
#include "common/files.h"
#include "common/random.h"
#include "common/status.h"
#include "common/tls/authority.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr int64_t kIssued = 1'795'348'800'000;

Credential MakeCredential(const std::string& collector) {
  SystemRandom random;
  const auto ca = CertificateAuthority::Create("fleet", kIssued, random);
  const auto key = PrivateKey::Generate();
  const auto request = CertificateRequest::FromDer(*MakeCertificateRequest(*key));
  const auto certificate = ca->IssueClient(*request, {Role::kItAdmin, "tess"}, kIssued, random);
  return {collector, ca->certificate().Pem(), certificate->Pem(), key->Pem()};
}

struct ConnectionFolder {
  ConnectionFolder() {
    env["HOME"] = folder.path();
    REQUIRE_OK(MakeFolder(folder.File(".config/candor"), 0700));
  }
  std::string Save(const std::string& name, const std::string& collector) {
    const std::string path = folder.File(name);
    REQUIRE_OK(SaveCredential(path, MakeCredential(collector), ""));
    return path;
  }
  absl::StatusOr<Credential> Find(const ConnectionFlags& flags = {}) {
    return FindConnection(flags, [this](const std::string& name) -> std::optional<std::string> {
      const auto at = env.find(name);
      if (at == env.end()) return std::nullopt;
      return at->second;
    });
  }
  std::string Error(const ConnectionFlags& flags = {}) {
    const auto found = Find(flags);
    REQUIRE_FALSE(found.ok());
    return std::string(MessageOf(found.status()));
  }
  testing::TempFolder folder;
  std::map<std::string, std::string> env;
};

TEST_CASE_METHOD(ConnectionFolder,
                 "A flag comes before the environment, the environment before cli.toml") {
  Save(".config/candor/cli.toml", "from-config:1");
  REQUIRE(Find()->collector == "from-config:1");
  env["CANDOR_CREDENTIAL"] = Save("env.toml", "from-env:2");
  REQUIRE(Find()->collector == "from-env:2");
  const std::string flag = Save("flag.toml", "from-flag:3");
  REQUIRE(Find({"", flag})->collector == "from-flag:3");
  env["CANDOR_COLLECTOR"] = "address-from-env:4";
  REQUIRE(Find({"", flag})->collector == "address-from-env:4");
  REQUIRE(Find({"address-from-flag:5", flag})->collector == "address-from-flag:5");
}

TEST_CASE_METHOD(ConnectionFolder, "cli.toml may point to a credential") {
  const std::string admin = Save("admin.toml", "real:1");
  const std::string config = folder.File(".config/candor/cli.toml");
  REQUIRE_OK(WriteFileAtomically(config, Concat("credential = \"", admin, "\"\n"), 0600));
  REQUIRE(Find()->collector == "real:1");
  REQUIRE_OK(WriteFileAtomically(
      config, Concat("collector = \"other:2\"\ncredential = \"", admin, "\"\n"), 0600));
  REQUIRE(Find()->collector == "other:2");
}

TEST_CASE_METHOD(ConnectionFolder, "XDG_CONFIG_HOME moves cli.toml") {
  REQUIRE_OK(MakeFolder(folder.File("xdg/candor"), 0700));
  Save("xdg/candor/cli.toml", "from-xdg:1");
  env["XDG_CONFIG_HOME"] = folder.File("xdg");
  REQUIRE(Find()->collector == "from-xdg:1");
}

TEST_CASE_METHOD(ConnectionFolder, "Without any credential it is said what to do") {
  const std::string error = Error();
  REQUIRE(
      error.starts_with("no credential: give --credential FILE, set CANDOR_CREDENTIAL, or make "));
  env.clear();
  REQUIRE(Error().starts_with("no credential"));
}

TEST_CASE_METHOD(ConnectionFolder, "A damaged file is named with line and key") {
  const std::string config = folder.File(".config/candor/cli.toml");
  const auto with = [&](const std::string& text) {
    REQUIRE_OK(WriteFileAtomically(config, text, 0600));
    return Error();
  };
  REQUIRE(with("collector = \n").starts_with(config + ":1"));
  REQUIRE(with("credential = 7\n").starts_with(config + ":1: credential"));
  REQUIRE(with("\n\ncolector = \"x\"\ncredential = \"y\"\n").starts_with(config + ":3: colector"));
  REQUIRE(with("collector = \"x:1\"\n").find("credential") != std::string::npos);
  REQUIRE(with("credential = \"/nowhere\"\n").find("/nowhere") != std::string::npos);
}

TEST_CASE_METHOD(ConnectionFolder, "A credential that others may read is refused") {
  const std::string path = Save("open.toml", "x:1");
  REQUIRE(chmod(path.c_str(), 0644) == 0);
  REQUIRE(Error({"", path}).find(path) != std::string::npos);
}

TEST_CASE_METHOD(ConnectionFolder, "An address that is none is named") {
  const std::string path = Save("c.toml", "x:1");
  REQUIRE(Error({"no-port", path}).find("no-port") != std::string::npos);
}

}  // namespace
}  // namespace candor
