// A laptop for tests without a virtual machine: a Debian with real systemd, journald, logind and
// D-Bus, booted by systemd-nspawn. Its system tree is made once by debootstrap and kept in
// $CANDOR_CACHE (the build folder when not set), with the libraries that Candor's packages depend
// on, so that they install without a network. Each boot works on an overlay in memory, so that
// every test starts from the same laptop, unless it is given a Disk. Needs root.
//
// It shares the network namespace of the thread that boots it. Failures throw std::runtime_error
// with what went wrong, which a test shows as its failure. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

// The folder with the system tree; makes it where it is not there yet (one to two minutes), which
// needs a package mirror: call it where the machine's own network is, not inside a test's.
std::string SystemTree();

// What is written onto a laptop's disk, kept from one boot to the next for the object's life.
class Disk {
 public:
  explicit Disk(const std::string& tree);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  std::string path() const { return folder_.path() + "/root"; }

 private:
  TempFolder folder_;
};

class Container {
 public:
  struct Bind {
    std::string outside;
    std::string inside;
  };
  struct Options {
    std::string tree;    // SystemTree(), or a Disk's path
    bool keeps = false;  // what is written stays: for a Disk
    // Folders of this machine seen inside, read-only.
    std::vector<Bind> binds = {};
    // /etc/resolv.conf inside.
    std::string resolv_conf = {};
    // Its journal takes the lines of this machine's kernel, as a laptop's does; those that other
    // tests are the cause of among them.
    bool hears_kernel = false;
  };

  // Boots, and waits until the service manager has started everything.
  explicit Container(const Options& options);
  // Powers off, and kills what does not end.
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  // Runs a program inside to its end.
  Outcome Run(const std::vector<std::string>& words, int64_t timeout_ms = 60'000) const;
  // The same, and throws unless it exits with 0; gives its standard output.
  std::string Check(const std::vector<std::string>& words, int64_t timeout_ms = 60'000) const;
  // What this machine has to run, so that a program runs inside.
  std::vector<std::string> Inside(const std::vector<std::string>& words) const;
  // Starts a program inside that goes with the object returned.
  std::unique_ptr<Process> Start(const std::vector<std::string>& words) const;

  // In front of the words of a program of this machine's: it runs among the processes inside, but
  // with this machine's files.
  std::vector<std::string> AmongProcesses() const;

  void Write(const std::string& path, const std::string& text, int mode = 0644) const;
  std::string Read(const std::string& path) const;

  // Process id, as this machine sees it, of the first process inside.
  pid_t leader() const { return leader_; }

 private:
  void WaitUntilBooted();

  std::unique_ptr<Process> nspawn_;
  pid_t leader_ = -1;
  TempFolder setup_;
};

// A folder with the programs of this build and the libraries they need, for binding into a
// container: bin/, libexec/candor/, lib/.
class ProgramFolder {
 public:
  ProgramFolder();
  const std::string& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

}  // namespace candor::testing
