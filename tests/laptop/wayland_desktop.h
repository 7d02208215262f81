// A Wayland desktop of the test's own: sway without a screen, a session bus, the accessibility bus
// that GTK asks for, real applications, and a person who types (wtype's virtual keyboard). Sway
// runs for no superuser: a test that is root makes the person "nobody" (65534).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

class WaylandDesktop {
 public:
  // Throws std::runtime_error when it does not come up.
  WaylandDesktop();

  uid_t person() const { return person_; }
  std::map<std::string, std::string> Environment() const;
  // Starts a program as the person.
  std::unique_ptr<Process> Start(const std::vector<std::string>& words,
                                 std::map<std::string, std::string> environment = {}) const;
  // The same, and waits until a window of it has the focus.
  std::unique_ptr<Process> Open(const std::vector<std::string>& words,
                                std::map<std::string, std::string> environment = {}) const;
  // Another of the open windows gets the focus.
  void Focus(const Process& program) const;
  // What a person does in the settings. The next programs take part, and those that listen.
  void SwitchAccessibility(bool on) const;
  // The person presses a key that types nothing, five times a second, for so long.
  void Type(int64_t ms) const;
  // Whether somebody has started XWayland by now.
  bool XWaylandRuns() const;
  // The person signs out.
  void EndCompositor();

 private:
  std::vector<std::string> AsPerson(const std::vector<std::string>& words) const;
  std::string Say(const std::vector<std::string>& words) const;

  TempFolder folder_;
  uid_t person_;
  std::unique_ptr<Process> bus_;
  std::string bus_address_;
  std::unique_ptr<Process> sway_;
};

}  // namespace candor::testing
