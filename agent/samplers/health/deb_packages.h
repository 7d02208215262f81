// Debian's package files, read piece by piece: which packages are installed, and for how many of
// them a list holds a newer version. Pure, any thread, one user at a time.
//
// Files are paragraphs of "Field: value" lines (deb-control(5)): /var/lib/dpkg/status, and the
// Packages files that apt keeps. Only the lines that matter are kept, so memory goes with the
// number of packages and not with the size of files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace candor {

struct DebPackage {
  std::string name;
  std::string architecture;
  std::string version;
  std::string status;  // "install ok installed"; only in dpkg's file
};

class DebParagraphs {
 public:
  // A line longer than this (a description is many lines) is passed over.
  static constexpr size_t kLineBytesMax = 4096;

  // Takes the next piece of a file; calls `fn` for each package that is complete.
  void Feed(std::string_view piece, const std::function<void(const DebPackage&)>& fn);
  // The file's end.
  void End(const std::function<void(const DebPackage&)>& fn);

 private:
  void Line(std::string_view line, const std::function<void(const DebPackage&)>& fn);

  std::string partial_;  // the begin of a line whose end is still to come
  bool too_long_ = false;
  DebPackage package_;
};

// Installed packages, and those for which something newer waits.
class DebUpdates {
 public:
  static constexpr size_t kPackagesMax = 50'000;

  // From dpkg's file: counts only what is installed.
  void AddInstalled(const DebPackage& package);
  // From a list of updates.
  void AddAvailable(const DebPackage& package);

  size_t installed() const { return installed_.size(); }
  // Names of installed packages ("name:architecture") that a list has newer.
  const std::set<std::string>& pending() const { return pending_; }

 private:
  std::map<std::string, std::string> installed_;  // name:architecture, version
  std::set<std::string> pending_;
};

// Since when each of the packages that wait has been waiting, as far as was seen from here. Kept
// over restarts as text (a cursor), so it is bounded: of more than that the longest waiting stay.
class WaitingSince {
 public:
  static constexpr size_t kKeptMax = 200;

  explicit WaitingSince(std::string_view text = {});
  // What waits today, a local day's number.
  void Update(const std::set<std::string>& pending, int64_t today);
  // Days that the longest waiting has waited; 0 where none waits.
  int64_t LongestDays(int64_t today) const;
  // "HASH:DAY HASH:DAY"; names of packages are not kept.
  std::string Text() const;

 private:
  std::map<std::string, int64_t> since_;  // hash of the name, day
};

}  // namespace candor
