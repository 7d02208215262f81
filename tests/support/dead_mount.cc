#include "tests/support/dead_mount.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace candor::testing {
namespace {

void Must(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + std::strerror(errno));
}

// Mounting is for root, and for whoever is root in a user namespace.
void EnterNamespace() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (uid == 0) {
    Must(unshare(CLONE_NEWNS) == 0, "a mount namespace");
  } else {
    Must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "a user namespace");
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  }
  Must(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
}

// The kernel's greeting has to be answered; all that follows is not.
void Greet(int fd) {
  std::array<char, 65536> request{};
  Must(read(fd, request.data(), request.size()) > 0, "reading the greeting");
  fuse_in_header asked{};
  std::memcpy(&asked, request.data(), sizeof asked);
  if (asked.opcode != FUSE_INIT) throw std::runtime_error("no greeting");
  fuse_init_out hello{};
  hello.major = FUSE_KERNEL_VERSION;
  hello.minor = FUSE_KERNEL_MINOR_VERSION;
  hello.max_write = 4096;
  fuse_out_header head{};
  head.len = sizeof head + sizeof hello;
  head.unique = asked.unique;
  std::array<char, sizeof head + sizeof hello> answer{};
  std::memcpy(answer.data(), &head, sizeof head);
  std::memcpy(answer.data() + sizeof head, &hello, sizeof hello);
  Must(write(fd, answer.data(), answer.size()) > 0, "answering the greeting");
}

}  // namespace

DeadMount::DeadMount(const std::string& path) : path_(path) {
  EnterNamespace();
  fd_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  Must(fd_ >= 0, "/dev/fuse");
  const std::string options = "fd=" + std::to_string(fd_) + ",rootmode=40000,user_id=0,group_id=0";
  Must(mount("dead", path.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0,
       "mounting on " + path);
  Greet(fd_);
}

DeadMount::~DeadMount() { End(); }

void DeadMount::End() {
  if (fd_ < 0) return;
  close(fd_);  // the connection's end answers everybody
  fd_ = -1;
  umount2(path_.c_str(), MNT_DETACH);
}

}  // namespace candor::testing
