// Debian's package files (deb_packages.h) read from disk a piece at a time, with the daemon's other
// work in between. One thread.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "agent/samplers/health/deb_packages.h"
#include "agent/samplers/sampler.h"

namespace candor {

// What is installed, as dpkg keeps it.
std::string DpkgStatusFile(const LinuxRoots& roots);

// Each package of a file. NotFound or PermissionDenied where it cannot be read, DataLoss where it
// ends in the middle of a line, ResourceExhausted above 128 MiB.
boost::asio::awaitable<absl::Status> ForEachDebPackage(boost::asio::io_context& io,
                                                       std::string path,
                                                       std::function<void(const DebPackage&)> fn);

}  // namespace candor
