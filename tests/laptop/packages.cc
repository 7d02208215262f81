#include "tests/laptop/packages.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "tests/support/collector/agent_fixture.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/process.h"

namespace candor::testing {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPackMs = 300'000;

}  // namespace

Packages::Packages(const std::string& kind) {
  fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::group_read |
                                      fs::perms::group_exec | fs::perms::others_read |
                                      fs::perms::others_exec);
  RequireSuccess(RunProgram({CANDOR_SOURCE_DIR "/packaging/packages.sh", "--build",
                             CANDOR_BINARY_DIR, "--out", folder_.path(), kind},
                            // Debug information takes a minute to pack, and is not looked at.
                            kPackMs, {{"DEB_BUILD_OPTIONS", "noautodbgsym"}}),
                 "packaging/packages.sh");
}

std::string Packages::FileOf(const std::string& package) const {
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    const std::string name = entry.path().filename();
    const bool is_package = name.ends_with(".deb") || name.ends_with(".rpm");
    if (is_package && (name.starts_with(package + "_") || name.starts_with(package + "-0"))) {
      return name;
    }
  }
  throw std::runtime_error("no package " + package + " in " + folder_.path());
}

std::string Packages::Later(const std::string& package) const {
  const TempFolder work;
  const std::string tree = work.File("tree");
  RequireSuccess(RunProgram({"dpkg-deb", "--raw-extract", folder_.File(FileOf(package)), tree}),
                 "dpkg-deb");
  std::ifstream before(tree + "/DEBIAN/control");
  std::ostringstream control;
  for (std::string line; std::getline(before, line);) {
    control << line << (line.starts_with("Version:") ? ".later" : "") << "\n";
  }
  std::ofstream(tree + "/DEBIAN/control") << control.str();
  const std::string name = "later-" + package + ".deb";
  RequireSuccess(
      RunProgram({"dpkg-deb", "--build", "-Zgzip", "-z1", tree, folder_.File(name)}, kPackMs),
      "dpkg-deb");
  return name;
}

std::string ServiceSettings(const LaptopLine& line) {
  return "[[service]]\nname = \"mail\"\nhost = \"" + std::string(LaptopLine::kServiceName) +
         "\"\nport = " + std::to_string(line.service_port()) + "\ntls = false\n";
}

void WriteQuickSettings(const Container& laptop, const LaptopLine& line) {
  laptop.Write("/etc/candor/agent.toml",
               "[tick]\nactive_s = 10\nidle_s = 10\n[push]\nactive_s = 10\nidle_s = 10\n" +
                   ServiceSettings(line));
}

void WriteEnrollFile(const Container& laptop, CollectorFixture& collector) {
  std::ifstream file(collector.TokenFile(1));
  std::string token;
  std::getline(file, token);
  laptop.Write("/etc/candor/enroll.toml",
               "collector = \"" + collector.enroll_address() + "\"\nca_fingerprint = \"" +
                   collector.fingerprint() + "\"\ntoken = \"" + token +
                   "\"\nlabels = [\"department=Tests\"]\n",
               0600);
}

void InstallPackage(const Container& laptop, const std::string& file) {
  const std::string command =
      file.ends_with(".deb") ? "apt-get install -y " : "rpm --upgrade --nodeps ";
  laptop.Check({"sh", "-c", command + "/packages/" + file + " </dev/null"}, 300'000);
}

std::vector<nlohmann::json> SentRows(const Container& laptop) {
  return SentRows([&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"candor-agent"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--format", "json"});
    return nlohmann::json::parse(laptop.Check(all)).at("rows");
  });
}

}  // namespace candor::testing
