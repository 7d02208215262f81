// Looks up who owns a program: snaps and flatpaks by their place, packages in dpkg's database.
//
// A look-up reads every package's file list, some tens of megabytes on a desktop; it happens once
// for each program asked about, gives way to the other samplers between files, and its answer is
// kept until packages change. One coroutine at a time.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/samplers/sampler.h"
#include "agent/samplers/support/owner.h"

namespace candor {

class LinuxOwners {
 public:
  static constexpr size_t kKeptMax = 64;

  // `roots` must outlive the object.
  explicit LinuxOwners(const LinuxRoots& roots) : roots_(roots) {}

  boost::asio::awaitable<ProgramName> NameOf(ProgramClues clues);

  // Is there a package database that can be read?
  bool HasPackages() const;

 private:
  boost::asio::awaitable<ProgramName> FromPackages(std::vector<std::string> paths);
  std::string VersionOf(const PackageName& package) const;
  ProgramName FromSnap(const SnapPlace& snap) const;
  // Forgets everything when dpkg's database changed.
  void NoticeChanges();

  const LinuxRoots& roots_;
  int64_t database_changed_ = 0;
  std::map<std::string, ProgramName> kept_;
};

}  // namespace candor
