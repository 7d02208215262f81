// A FUSE file system whose program is there and never answers: what is asked of it waits until the
// mount ends. In a mount namespace of the test's own, so that nothing of it is left behind.
#pragma once

#include <string>

namespace candor::testing {

class DeadMount {
 public:
  // On the existing folder `path`. Throws std::runtime_error where the system does not allow it.
  explicit DeadMount(const std::string& path);
  ~DeadMount();
  DeadMount(const DeadMount&) = delete;
  DeadMount& operator=(const DeadMount&) = delete;

  // Whoever waits is answered with an error.
  void End();

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace candor::testing
