#include "tests/laptop/person.h"

#include <stdexcept>

#include "tests/support/collector/collector_fixture.h"
#include "tests/support/wait_for.h"

namespace candor::testing {
namespace {

constexpr int kSignInS = 20;
// What pam_systemd makes of a login at a graphical display manager.
constexpr char kPam[] =
    "auth required pam_permit.so\n"
    "account required pam_permit.so\n"
    "session required pam_systemd.so class=user type=x11\n";
// What a desktop environment brings along.
constexpr char kDesktopTarget[] =
    "[Unit]\n"
    "Description=A desktop\n"
    "BindsTo=graphical-session.target\n"
    "Before=graphical-session.target\n";

}  // namespace

Person::Person(const Container& laptop, std::string login, std::string display)
    : laptop_(laptop), login_(std::move(login)), display_(std::move(display)) {
  if (laptop_.Run({"id", login_}).exit_code != 0) {
    laptop_.Check({"useradd", "--create-home", login_});
  }
  uid_ = laptop_.Check({"id", "-u", login_});
  uid_.pop_back();
  laptop_.Write("/etc/pam.d/candor-test-login", kPam);
  laptop_.Write("/etc/systemd/user/candor-test-desktop.target", kDesktopTarget);
}

void Person::SignIn() {
  laptop_.Check({"systemd-run", "--quiet", "--unit=" + login_ + "-login",
                 "--property=User=" + login_, "--property=PAMName=candor-test-login", "sleep",
                 "infinity"});
  const bool manager = WaitFor(kSignInS, [&] {
    return Run({"systemctl", "--user", "is-system-running"}).out.starts_with("running");
  });
  if (!manager) throw std::runtime_error("no service manager of " + login_);
  RequireSuccess(Run({"systemctl", "--user", "set-environment", "DISPLAY=" + display_}),
                 "set-environment");
  RequireSuccess(Run({"systemctl", "--user", "start", "candor-test-desktop.target"}),
                 "the desktop");
  const bool helped = WaitFor(kSignInS, [&] {
    return Run({"systemctl", "--user", "is-active", "candor-session"}).out == "active\n";
  });
  if (!helped) {
    throw std::runtime_error("candor-session does not start:\n" +
                             laptop_.Run({"journalctl", "--no-pager", "-n", "80"}).out);
  }
}

double Person::DesktopAfterMs() const {
  const std::string session = Value({"loginctl", "show-user", uid_, "--property=Display"});
  const std::string login =
      Value({"loginctl", "show-session", session, "--property=TimestampMonotonic"});
  const Outcome target = Run({"systemctl", "--user", "show", "graphical-session.target",
                              "--property=ActiveEnterTimestampMonotonic"});
  return (std::stod(target.out.substr(target.out.find('=') + 1)) - std::stod(login)) / 1'000;
}

Outcome Person::Run(const std::vector<std::string>& words) const {
  return laptop_.Run(AsPerson(words));
}

std::unique_ptr<Process> Person::Start(const std::vector<std::string>& words) const {
  return laptop_.Start(AsPerson(words));
}

void Person::Write(const std::string& path, const std::string& text) const {
  const size_t slash = path.rfind('/');
  RequireSuccess(Run({"mkdir", "-p", path.substr(0, slash)}), "mkdir");
  laptop_.Write(path, text);
  laptop_.Check({"chown", login_, path});
}

std::vector<std::string> Person::AsPerson(const std::vector<std::string>& words) const {
  std::vector<std::string> all = {"runuser",
                                  "-u",
                                  login_,
                                  "--",
                                  "env",
                                  "-C",
                                  "/home/" + login_,
                                  "HOME=/home/" + login_,
                                  "DISPLAY=" + display_,
                                  "XDG_RUNTIME_DIR=/run/user/" + uid_,
                                  "NO_AT_BRIDGE=1"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::string Person::Value(const std::vector<std::string>& words) const {
  std::string text = laptop_.Check(words);
  text = text.substr(text.find('=') + 1);
  text.pop_back();
  return text;
}

}  // namespace candor::testing
