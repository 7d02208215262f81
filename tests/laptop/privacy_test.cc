// A person works on a booted laptop, and everything personal that the programs could come across
// carries a mark: names, titles, files, addresses, words of commands. None of the marks is in what
// left the laptop, nor in anything Candor wrote on either side.
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/laptop/container.h"
#include "tests/laptop/core_dumps.h"
#include "tests/laptop/desktop.h"
#include "tests/laptop/laptop_line.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/packages.h"
#include "tests/laptop/person.h"
#include "tests/support/marks.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using nlohmann::json;
using testing::CollectorFixture;
using testing::Container;
using testing::Desktop;
using testing::Marks;
using testing::Person;
using testing::RequireSuccess;
using testing::RunProgram;
using testing::WaitFor;

// What a person and their laptop have that nobody else is to learn.
struct Personal {
  explicit Personal(Marks& marks)
      : login(marks.Make("login")),
        name(marks.Make("name")),
        folder(marks.Make("folder")),
        document(marks.Make("file")),
        title(marks.Make("title")),
        program(marks.Make("prog")),
        scope(marks.Make("scope")),
        user_unit(marks.Make("uunit")),
        system_unit(marks.Make("sunit")),
        word(marks.Make("word")),
        variable(marks.Make("env")),
        site(marks.Make("site")),
        page(marks.Make("page")),
        neighbour(marks.Make("host")),
        wifi(marks.Make("wifi")),
        vpn(marks.Make("vpn")),
        stick(marks.Make("stick")) {
    for (const std::string& text : {Home(), DocumentPath(), ProgramPath(), Url(), StickPath(),
                                    Site(), document + ".txt", user_unit + ".service"}) {
      marks.Add(text);
    }
  }
  std::string Home() const { return "/home/" + login; }
  std::string DocumentPath() const { return Home() + "/" + folder + "/" + document + ".txt"; }
  std::string ProgramPath() const { return Home() + "/bin/" + program; }
  std::string Site() const { return site + ".example.org"; }
  std::string Url() const { return "http://" + Site() + "/" + page + "?q=" + word; }
  std::string StickPath() const { return "/media/" + login + "/" + stick; }

  std::string login, name, folder, document, title, program, scope, user_unit, system_unit, word,
      variable, site, page, neighbour, wifi, vpn, stick;
};

// What is on the laptop before anybody works.
void PutOnLaptop(const Personal& personal, const Container& laptop, const Person& person) {
  laptop.Check({"usermod", "--comment", personal.name, personal.login});
  person.Write(personal.DocumentPath(), "The budget of " + personal.word + "\n");
  RequireSuccess(person.Run({"mkdir", "-p", personal.Home() + "/bin"}), "mkdir");
  RequireSuccess(person.Run({"cp", "/usr/bin/l3afpad", personal.ProgramPath()}), "cp");
  person.Write(personal.Home() + "/.config/systemd/user/" + personal.user_unit + ".service",
               "[Service]\nExecStart=/bin/false " + personal.word + "\n");
  laptop.Write("/etc/systemd/system/" + personal.system_unit + ".service",
               "[Unit]\nDescription=" + personal.name + "\n[Service]\nUser=" + personal.login +
                   "\nExecStart=/bin/false " + personal.DocumentPath() + "\n");
  laptop.Check({"systemctl", "daemon-reload"});
  laptop.Write("/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 " + personal.neighbour + " " +
                                 personal.Site() + "\n");
  laptop.Write(
      "/etc/NetworkManager/system-connections/" + personal.wifi + ".nmconnection",
      "[connection]\nid=" + personal.wifi + "\ntype=wifi\n[wifi]\nssid=" + personal.wifi + "\n",
      0600);
  laptop.Check({"mkdir", "-p", personal.StickPath()});
  laptop.Check({"mount", "-t", "tmpfs", personal.stick, personal.StickPath()});
}

// A person's session on the laptop, seen from their chair.
class Work {
 public:
  Work(const Personal& personal, const Container& laptop, const Person& person,
       const Desktop& desktop)
      : personal_(personal), laptop_(laptop), person_(person), desktop_(desktop) {}

  // Opens the document, reads, is kept waiting once, and closes it.
  void EditDocument() {
    const auto editor = Open("l3afpad", {"l3afpad", personal_.DocumentPath()});
    desktop_.Move(3'000);
    Stop("l3afpad", 7'500);
    laptop_.Check({"pkill", "-KILL", "-x", "l3afpad"});
  }
  // The same with a program of the person's own, which crashes.
  void CrashOwnProgram() {
    const auto program = Open(personal_.program, {personal_.ProgramPath(), personal_.Url()});
    RequireSuccess(RunProgram({"xdotool", "getactivewindow", "set_window", "--name",
                               personal_.title, "--class", personal_.title},
                              20'000, desktop_.Environment()),
                   "xdotool set_window");
    desktop_.Move(3'000);
    Stop(personal_.program, 7'500);
    laptop_.Check({"pkill", "-SEGV", "-x", personal_.program});
  }
  // In a terminal, so to speak.
  void RunCommands() {
    person_.Run({"env", "SECRET=" + personal_.variable, "sh", "-c", ": " + personal_.Url()});
    person_.Run({"getent", "hosts", personal_.neighbour + ".example.org"});
    person_.Run({"systemctl", "--user", "start", personal_.user_unit});
    laptop_.Run({"systemctl", "start", personal_.system_unit});
    laptop_.Run({"logger", personal_.word});
  }

 private:
  // In a scope of its own, as desktops start applications, until its window is in front.
  std::unique_ptr<testing::Process> Open(const std::string& process,
                                         const std::vector<std::string>& words) {
    std::vector<std::string> all = {
        "systemd-run",
        "--user",
        "--scope",
        "--quiet",
        "--slice=app.slice",
        "--unit=app-" + personal_.scope + "-" + std::to_string(++scopes_) + ".scope",
        "env",
        "SECRET=" + personal_.variable};
    all.insert(all.end(), words.begin(), words.end());
    auto running = person_.Start(all);
    const bool in_front = WaitFor(20, [&] {
      return laptop_.Run({"pgrep", "-x", process}).out ==
             std::to_string(desktop_.Foreground()) + "\n";
    });
    INFO(running->err());
    REQUIRE(in_front);
    return running;
  }
  // It does not answer for so long, while the person moves the mouse.
  void Stop(const std::string& process, int64_t ms) {
    laptop_.Check({"pkill", "-STOP", "-x", process});
    desktop_.Move(ms);
    laptop_.Check({"pkill", "-CONT", "-x", process});
    desktop_.Move(2'000);
  }

  const Personal& personal_;
  const Container& laptop_;
  const Person& person_;
  const Desktop& desktop_;
  int scopes_ = 0;
};

// Is something called `name`, with `detail` or `subject` holding `part`, among what was sent?
bool Sent(const std::vector<json>& rows, const std::string& name, const std::string& part) {
  return std::any_of(rows.begin(), rows.end(), [&](const json& row) {
    return row.value("name", "") == name &&
           (row.value("detail", "").find(part) != std::string::npos ||
            row.value("subject", "").find(part) != std::string::npos);
  });
}

// Both directions of every connection to the collector, as gRPC gave and took the bytes on the
// inner side of TLS, and the names and values of the headers.
std::string OnTheWire(const std::string& collector_log) {
  std::string bytes;
  std::istringstream lines(collector_log);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("HTTP:") != std::string::npos) bytes += line + "\n";
    size_t at = line.find("READ 0x");
    if (at == std::string::npos) at = line.find("WRITE 0x");
    if (at == std::string::npos) continue;
    for (at = line.find(": ", at) + 2; at + 2 < line.size() && line[at + 2] == ' '; at += 3) {
      bytes += static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16));
    }
  }
  return bytes;
}

// All files below these folders, one after the other.
std::string FilesOf(const Container& laptop) {
  return laptop.Check(
      {"sh", "-c",
       "tar --create --file=- --numeric-owner --ignore-failed-read --warning=none /var/lib/candor* "
       "/var/cache/candor* /run/candor* /run/user/*/candor* 2>/dev/null || true"});
}

// Candor's own lines in the journal.
std::string LogOf(const Container& laptop) {
  return laptop.Check({"sh", "-c",
                       "journalctl --output=cat _SYSTEMD_UNIT=candor-agent.service; "
                       "journalctl --output=cat --unit='candor*' _COMM=candor-uplink; "
                       "journalctl --output=cat _COMM=candor-session"});
}

// The searcher must find in `bytes` what rightly is there, and none of the marks.
void CheckUnmarked(const Marks& marks, const std::string& where, const std::string& bytes,
                   const std::string& rightly_there) {
  CAPTURE(where, bytes.size());
  CHECK(testing::Unpacked(bytes).find(rightly_there) != std::string::npos);
  std::string found;
  for (const std::string& one : marks.FoundIn(bytes)) found += one + "; ";
  CHECK(found == "");
}

TEST_CASE("of a whole session full of marks, none leaves the laptop or is written down") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string tree = testing::SystemTree();
  const testing::Packages packages("deb");
  testing::LaptopLine line(1'000);
  Marks marks;
  const Personal personal(marks);
  const std::string no_crashes = testing::LacksForCoreDumps();
  line.OnLaptop([&] {
    CollectorFixture collector("[log]\nlevel = \"debug\"\n");
    collector.Start({{"GRPC_TRACE", "secure_endpoint,http"}, {"GRPC_VERBOSITY", "DEBUG"}});
    RequireSuccess(RunProgram({"ip", "tuntap", "add", "mode", "tun", "name", personal.vpn}),
                   "ip tuntap");
    RequireSuccess(RunProgram({"ip", "link", "set", personal.vpn, "up"}), "ip link");
    const Container laptop({.tree = tree,
                            .binds = {{packages.folder(), "/packages"}},
                            .resolv_conf = line.resolv_conf()});
    testing::WriteQuickSettings(laptop, line);
    testing::WriteEnrollFile(laptop, collector);
    testing::InstallPackage(laptop, packages.FileOf("candor-agent"));
    const Desktop desktop(laptop.AmongProcesses());
    Person person(laptop, personal.login, desktop.display());
    PutOnLaptop(personal, laptop, person);
    person.SignIn();

    Work work(personal, laptop, person, desktop);
    work.EditDocument();
    {
      std::optional<testing::CrashForwarding> forwarding;
      if (no_crashes.empty()) forwarding.emplace(laptop);
      work.CrashOwnProgram();
      work.RunCommands();
      std::vector<json> sent;
      const bool told = WaitFor(240, [&] {
        INFO(laptop.Run({"journalctl", "--no-pager", "-n", "100"}).out);
        sent = testing::SentRows(laptop);
        return Sent(sent, "hang", "l3afpad") && Sent(sent, "hang", "other") &&
               Sent(sent, "launch_s", "l3afpad") && Sent(sent, "ui_reply_ms", "other") &&
               Sent(sent, "unit_failure", "other") && Sent(sent, "sign_in", "duration_ms") &&
               (!no_crashes.empty() || Sent(sent, "crash", "other"));
      });
      INFO(json(sent).dump(1));
      REQUIRE(told);
    }
    CheckUnmarked(marks, "the laptop's files", FilesOf(laptop), "l3afpad");
    CheckUnmarked(marks, "the laptop's log", LogOf(laptop), "candor-agent");
    collector.WaitFolded();
    const std::string dump_before = collector.process().err();
    CheckUnmarked(marks, "the wire", OnTheWire(dump_before), "l3afpad");
    collector.Stop();
    CheckUnmarked(
        marks, "the collector's files",
        RequireSuccess(
            RunProgram({"tar", "--create", "--numeric-owner", "--file=-", collector.data()}), "tar")
            .out,
        "l3afpad");
    CheckUnmarked(marks, "the collector's folds", collector.Dump(), "l3afpad");
  });
}

}  // namespace
}  // namespace candor
