// A lock between test processes that run side by side.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <stdexcept>
#include <string>

#include "common/descriptor.h"

namespace candor::testing {

// Waits until nobody else has the lock of `path`, a file that is made; held for the descriptor's
// life.
inline Descriptor LockedFile(const std::string& path) {
  Descriptor file(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!file.open() || flock(file.get(), LOCK_EX) != 0) {
    throw std::runtime_error("cannot lock " + path);
  }
  return file;
}

}  // namespace candor::testing
