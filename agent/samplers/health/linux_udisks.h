// A disk's wear as UDisks2 (org.freedesktop.UDisks2, system bus) last read it from the disk.
//
// Only what UDisks2 already keeps is asked for: it reads a disk by itself every ten minutes while
// the disk is awake. Nothing here makes it read, so no sleeping disk wakes, nobody is asked to
// authorise anything, and UDisks2 is not started where it does not run.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace candor {

// Per cent used of the disk `name` (nvme0n1, sda). NotFound, PermissionDenied or Unavailable with
// the reason: no bus, no UDisks2, one before 2.10 (NVMe), or a disk that tells nothing.
boost::asio::awaitable<absl::StatusOr<int64_t>> ReadUdisksWearPct(boost::asio::io_context& io,
                                                                  std::string bus_socket,
                                                                  std::string name);

}  // namespace candor
