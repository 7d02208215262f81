// Writes the manual page of candor-agent into the file named; run by the build.
#include <fstream>
#include <iostream>

#include "agent/daemon/manual.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: candor-agent-write-docs FILE\n";
    return 2;
  }
  std::ofstream file(argv[1]);
  file << candor::AgentManualPage() << std::flush;
  if (file) return 0;
  std::cerr << "cannot write " << argv[1] << "\n";
  return 1;
}
