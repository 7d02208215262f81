// A person on a booted laptop: an account, a session signed in as a display manager does it, a
// desktop in it, programs they start.
//
// `laptop` must outlive the object. Failures throw std::runtime_error with what went wrong. One
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/laptop/container.h"
#include "tests/support/process.h"

namespace candor::testing {

class Person {
 public:
  // The account is made unless the laptop has it. `display` is the X display of their desktop.
  Person(const Container& laptop, std::string login, std::string display);

  // Until the desktop is there and candor-session, which the laptop has, runs in it.
  void SignIn();
  // From logind's stamp of the session to the service manager's of the desktop, in milliseconds.
  double DesktopAfterMs() const;

  // A program of the person's, as started from their desktop.
  Outcome Run(const std::vector<std::string>& words) const;
  std::unique_ptr<Process> Start(const std::vector<std::string>& words) const;
  // Writes a file as the person, with the folders above it.
  void Write(const std::string& path, const std::string& text) const;

 private:
  std::vector<std::string> AsPerson(const std::vector<std::string>& words) const;
  std::string Value(const std::vector<std::string>& words) const;

  const Container& laptop_;
  const std::string login_;
  const std::string display_;
  std::string uid_;
};

}  // namespace candor::testing
