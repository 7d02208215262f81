// A desktop of the test's own: an X server without a screen (Xvfb), a window manager (openbox),
// real applications, and a person who types and moves the mouse (XTEST, through xdotool).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

class Desktop {
 public:
  // The server is started by `launcher`, a command that runs the words behind it: processes are
  // told by the numbers they have where the server is. Throws std::runtime_error when it does not
  // come up.
  explicit Desktop(const std::vector<std::string>& launcher = {});

  const std::string& display() const { return display_; }  // ":7"
  std::map<std::string, std::string> Environment() const;

  // Starts a program and waits until a window of it is in the foreground.
  std::unique_ptr<Process> Open(const std::vector<std::string>& words) const;
  // The person moves the mouse, five times a second, for so long.
  void Move(int64_t ms) const;
  // The process whose window is in the foreground; -1 where there is none.
  pid_t Foreground() const;

 private:
  TempFolder folder_;
  std::unique_ptr<Process> server_;
  std::string display_;
  std::unique_ptr<Process> window_manager_;
};

}  // namespace candor::testing
