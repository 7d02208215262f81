// The real dpkg, in a root of its own: what it does is seen as exactly that.
#include <cstdlib>

#include "candor/v1/envelope.pb.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/software/software_laptop.h"

namespace candor {
namespace {

using testing::InWords;
using testing::SoftwareLaptop;
using testing::TempFolder;

class DpkgRoot {
 public:
  explicit DpkgRoot(SoftwareLaptop& laptop) : root_(laptop.roots.var + "/..") {
    for (const char* file : {"status", "available"}) {
      laptop.Write(std::string("var/lib/dpkg/") + file, "");
    }
    for (const char* folder : {"info", "updates", "triggers"}) {
      std::filesystem::create_directories(root_ + "/var/lib/dpkg/" + folder);
    }
  }

  std::string Build(const std::string& name, const std::string& version) const {
    const std::string folder = work_.File(name + "_" + version);
    std::filesystem::create_directories(folder + "/DEBIAN");
    std::ofstream(folder + "/DEBIAN/control")
        << "Package: " << name << "\nVersion: " << version
        << "\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a test\n";
    Run("dpkg-deb --build " + folder + " " + folder + ".deb");
    return folder + ".deb";
  }
  void Dpkg(const std::string& arguments) const {
    Run("dpkg --root=" + root_ + " --force-not-root --force-bad-path --log=/dev/null " + arguments);
  }

 private:
  static void Run(const std::string& command) {
    INFO(command);
    REQUIRE(std::system((command + " >/dev/null 2>&1").c_str()) == 0);
  }

  const std::string root_;
  const TempFolder work_;
};

TEST_CASE("dpkg installs, upgrades and removes, and each is told as exactly that") {
  if (std::system("dpkg-deb --version >/dev/null 2>&1") != 0) {
    WARN("no dpkg here");
    return;
  }
  SoftwareLaptop laptop;
  const DpkgRoot root(laptop);
  CHECK(laptop.Look().empty());

  root.Dpkg("-i " + root.Build("candor-one", "1.0-1") + " " + root.Build("candor-two", "7"));
  CHECK(InWords(laptop.Look()) == "deb baseline begins: candor-one 1.0-1; candor-two 7");
  CHECK(laptop.Look().empty());

  root.Dpkg("-i " + root.Build("candor-three", "3~rc1"));
  CHECK(InWords(laptop.Look()) == "deb: candor-three →3~rc1");

  root.Dpkg("-i " + root.Build("candor-one", "1.0-2"));
  CHECK(InWords(laptop.Look()) == "deb: candor-one 1.0-1→1.0-2");

  // While the agent is stopped.
  root.Dpkg("-r candor-two");
  root.Dpkg("-i " + root.Build("candor-three", "3"));
  laptop.Start();
  CHECK(InWords(laptop.Look()) == "deb: candor-three 3~rc1→3; candor-two 7→");
  CHECK(laptop.Look().empty());
}

}  // namespace
}  // namespace candor
