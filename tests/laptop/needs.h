// What a machine must have for the tests in this folder. A test that cannot run says why and
// passes; where CANDOR_LAPTOP_REQUIRED is set (continuous integration) it fails instead.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/catch.h"

namespace candor::testing {

// Empty when this process is root and can make TUN devices.
inline std::string LacksForNetworks() {
  if (geteuid() != 0) return "not root";
  if (access("/dev/net/tun", R_OK | W_OK) != 0) return "no /dev/net/tun";
  return {};
}

inline bool FoundInPath(const std::string& program) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    if (access((folder + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// In a changed root that is only a folder nothing can be mounted below "/" for a container alone.
inline bool RootIsMount() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, source, target;
    if (fields >> id >> parent >> device >> source >> target && target == "/") return true;
  }
  return false;
}

// Empty when containers can be made and booted here.
inline std::string LacksForContainers() {
  if (geteuid() != 0) return "not root";
  for (const char* program : {"debootstrap", "systemd-nspawn", "nsenter"}) {
    if (!FoundInPath(program)) return std::string("no ") + program;
  }
  return RootIsMount() ? "" : "the root folder is no mount";
}

}  // namespace candor::testing

// Leaves the test case where `lacks` (a string) says what is missing.
#define SKIP_WITHOUT(lacks)                                                     \
  do {                                                                          \
    if (const std::string candor_lacks = (lacks); !candor_lacks.empty()) {      \
      if (std::getenv("CANDOR_LAPTOP_REQUIRED") != nullptr) FAIL(candor_lacks); \
      WARN("skipped: " << candor_lacks);                                        \
      return;                                                                   \
    }                                                                           \
  } while (false)
