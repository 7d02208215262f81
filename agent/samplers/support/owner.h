// Which name of a program may leave the laptop. A program is named only if a package,
// flatpak or snap owns its file; anything else is "other", so that nobody learns what people write
// or bring themselves. Here is the part that needs no files; linux_owner.h looks them up.
//
// A kernel line names only the task, not its file. Then the program is the one a package installs
// under that name in the usual folders; a private program that took such a name is told as it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace candor {

// What is longer is cut: names of programs, packages and versions.
constexpr size_t kNameBytesMax = 100;

// What is known of a program; none of it is ever told.
struct ProgramClues {
  std::string executable;  // its file's path; empty where only the task is known
  std::string task;        // the process's own name
  std::string cgroup;
  bool contained = false;  // it ran on another root, so that its path is not this system's
};

struct ProgramName {
  std::string program = "other";
  std::string version;
  bool owned = false;
};

// "/usr/bin/foo (deleted)", the file of a running program that was upgraded, to "/usr/bin/foo".
std::string_view WithoutDeleted(std::string_view executable);

// The paths under which packages may list an executable: older ones still list /bin, where the file
// is in /usr/bin now, and the reverse.
std::vector<std::string> PathVariants(std::string_view executable);

// Where a package would install a program of this name. A name of 15 bytes may be cut and is only
// taken as it stands.
std::vector<std::string> UsualPaths(std::string_view task);

// "org.mozilla.firefox" from a control group with a scope
// "app-flatpak-org.mozilla.firefox-1234.scope".
std::optional<std::string> FlatpakOf(std::string_view cgroup);

struct SnapPlace {
  std::string name;
  std::string revision;
};
// From "/snap/NAME/REVISION/…".
std::optional<SnapPlace> SnapOf(std::string_view executable);

// "libc6" and "amd64" from "libc6:amd64.list"; nothing for other files.
struct PackageName {
  std::string name;
  std::string architecture;  // empty where the file does not say

  bool operator==(const PackageName&) const = default;
};
std::optional<PackageName> PackageOfListFile(std::string_view file);

// Reads dpkg's status file line by line and finds the version of one package.
class PackageVersionReader {
 public:
  explicit PackageVersionReader(PackageName package)
      : package_(std::move(package)), architecture_matches_(package_.architecture.empty()) {}
  // True when the version is found.
  bool Line(std::string_view line);
  const std::string& version() const { return found_; }

 private:
  bool EndOfStanza();

  PackageName package_;
  bool architecture_matches_;
  bool name_matches_ = false;
  std::string version_;
  std::string found_;
};

// The value of "version:" in a snap.yaml.
std::string SnapVersion(std::string_view yaml);

}  // namespace candor
