// The sampler over minutes, days, restarts and kills.
#include <random>

#include "agent/samplers/software/software_list.h"
#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/software/software_laptop.h"

namespace candor {
namespace {

using testing::DebParagraph;
using testing::InWords;
using testing::SoftwareLaptop;

constexpr int64_t kDayMs = 86'400'000;

TEST_CASE("the whole list is told once, then only what changed, then nothing") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}, {"vim", "9.0"}});
  CHECK(InWords(laptop.Look()) == "deb baseline begins: bash 5.2; dpkg 1.21.22; vim 9.0");
  CHECK(laptop.Look().empty());
  laptop.SetDebs({{"bash", "5.3"}, {"nano", "7.2"}});
  CHECK(InWords(laptop.Look()) == "deb: bash 5.2→5.3; nano →7.2; vim 9.0→");
  CHECK(laptop.Look().empty());
  CHECK(laptop.recorder.unmeasured.empty());
}

TEST_CASE("what changed while the agent was stopped is told when it starts again") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  laptop.Look();
  laptop.SetDebs({{"bash", "5.3"}});
  laptop.Start();
  CHECK(InWords(laptop.Look()) == "deb: bash 5.2→5.3");
  laptop.Start();
  CHECK(laptop.Look().empty());
}

TEST_CASE("a file that was written anew with the same packages changes nothing") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  laptop.Look();
  laptop.SetDebs({{"bash", "5.2"}});
  CHECK(laptop.Look().empty());
  CHECK(laptop.recorder.cursors.empty());
}

TEST_CASE("each manager is told for itself, and one that is added begins with its whole list") {
  SoftwareLaptop laptop;
  laptop.SetDebs({});
  laptop.Link("snap/core22/current", "7");
  CHECK(InWords(laptop.Look()) ==
        "deb baseline begins: dpkg 1.21.22 | snap baseline begins: core22 7");
  laptop.Write("var/lib/pacman/local/vim-9.1-2/desc", "");
  CHECK(InWords(laptop.Look()) == "pacman baseline begins: vim 9.1-2");
  laptop.Link("snap/core22/current", "8");
  laptop.SetDebs({{"bash", "5.2"}});
  CHECK(InWords(laptop.Look()) == "deb: bash →5.2 | snap: core22 7→8");
}

TEST_CASE("snaps that went with snapd are gone, also when that was while the agent was stopped") {
  SoftwareLaptop laptop;
  laptop.SetDebs({});
  laptop.Link("snap/core22/current", "7");
  laptop.Look();
  laptop.Remove("snap");
  const bool restarted = GENERATE(false, true);
  if (restarted) laptop.Start();
  CHECK(InWords(laptop.Look()) == "snap: core22 7→");
  CHECK(laptop.Look().empty());
}

TEST_CASE("a list that cannot be read is told as unmeasured, and nothing as removed") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  laptop.Look();
  const bool cut = GENERATE(false, true);
  if (cut) {
    laptop.Write("var/lib/dpkg/status", "Package: ba");
  } else {
    laptop.Remove("var/lib/dpkg/status");
  }
  CHECK(laptop.Look().empty());
  CHECK_FALSE(laptop.reason("deb").empty());
  laptop.SetDebs({{"bash", "5.3"}});
  CHECK(InWords(laptop.Look()) == "deb: bash 5.2→5.3");
  CHECK(laptop.reason("deb").empty());
}

TEST_CASE("without any manager that is known there is a reason, and rpm has its own") {
  SoftwareLaptop laptop;
  CHECK(laptop.Look().empty());
  CHECK(laptop.reason("") == "no package manager that is known keeps books");
  laptop.Write("usr/lib/sysimage/rpm/rpmdb.sqlite", "x");
  CHECK(laptop.Look().empty());
  CHECK(laptop.reason("").empty());
  CHECK(laptop.reason("rpm") == "rpm's database is not read");
}

TEST_CASE("below a /var that may not answer nothing is read") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  laptop.Write("proc/self/mountinfo", "22 1 0:21 / / rw - nfs4 server:/root rw\n");
  CHECK(laptop.Look().empty());
  CHECK_FALSE(laptop.reason("").empty());
}

TEST_CASE("after a month the whole list is told again, behind what changed until then") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  laptop.Look();
  CHECK(laptop.Look(true, (kSoftwareWholeDays - 1) * kDayMs).empty());
  laptop.SetDebs({{"bash", "5.3"}});
  CHECK(InWords(laptop.Look(true, kDayMs)) == "deb: bash 5.2→5.3");
  CHECK(InWords(laptop.Look()) == "deb baseline begins: bash 5.3; dpkg 1.21.22");
  CHECK(laptop.Look().empty());
}

TEST_CASE("a clock that was wrong by years does not put the next whole list off") {
  SoftwareLaptop laptop;
  laptop.SetDebs({});
  laptop.clock.JumpWall(3'650 * kDayMs);
  laptop.Look();
  laptop.clock.JumpWall(-3'650 * kDayMs);
  CHECK(InWords(laptop.Look()) == "deb baseline begins: dpkg 1.21.22");
  CHECK(laptop.Look().empty());
}

TEST_CASE("a look is five minutes behind the last one, and of a minute the first tick") {
  SoftwareLaptop laptop;
  laptop.SetDebs({});
  laptop.Look();
  laptop.SetDebs({{"bash", "5.2"}});
  CHECK(laptop.Look(true, 60'000).empty());
  CHECK(laptop.Look(true, 180'000).empty());
  CHECK_FALSE(laptop.Look(true, 60'000).empty());
}

// As the collector has it.
struct Known {
  std::map<std::string, std::string> versions;
  std::map<std::string, int> told;  // "NAME BEFORE→AFTER", of changes alone

  void Apply(const std::vector<v1::SoftwareChange>& events) {
    for (const v1::SoftwareChange& event : events) {
      if (event.begins()) versions.clear();
      for (const v1::SoftwareChange::Change& change : event.changes()) {
        if (!event.baseline()) ++told[change.name() + change.before() + "→" + change.after()];
        if (change.after().empty()) {
          versions.erase(change.name());
        } else {
          versions[change.name()] = change.after();
        }
      }
    }
  }
};

TEST_CASE("a long list takes several minutes, none of which holds more than its share") {
  SoftwareLaptop laptop;
  std::map<std::string, std::string> debs;
  for (int i = 0; i < 9'000; ++i) debs["package-with-a-name-" + std::to_string(i)] = "1:2.3.4-5";
  laptop.SetDebs(debs);
  Known known;
  int minutes = 0;
  for (bool more = true; more; ++minutes) {
    REQUIRE(minutes < 10);
    const auto events = laptop.Look(true, 60'000);
    size_t bytes = 0;
    for (const auto& event : events) bytes += event.ByteSizeLong();
    REQUIRE(bytes <= SoftwareLimits::kTellBytesMax);
    known.Apply(events);
    more = !events.empty();
    // A restart between two of them loses nothing and tells nothing twice.
    if (minutes == 1) laptop.Start();
  }
  CHECK(minutes > 3);
  debs["dpkg"] = "1.21.22";
  CHECK(known.versions == debs);
  CHECK(known.told.empty());
}

TEST_CASE("killed between what is written and what is durable, each change is still told once") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO(seed);
  std::mt19937 random(seed);
  const auto dice = [&](uint32_t sides) { return static_cast<uint32_t>(random() % sides); };
  SoftwareLaptop laptop;
  Known known;
  std::map<std::string, std::string> debs;
  std::map<std::string, std::string> seen;  // as of the last look that became durable
  std::map<std::string, int> expected;
  for (int step = 0; step < 60; ++step) {
    for (uint32_t i = dice(4); i > 0; --i) {
      const std::string name = "p" + std::to_string(dice(8));
      if (dice(3) == 0) {
        debs.erase(name);
      } else {
        debs[name] = "1." + std::to_string(step);
      }
    }
    laptop.SetDebs(debs);
    const bool durable = dice(3) != 0;
    const bool first = laptop.saved[std::string(cursor::kSoftware)].empty();
    const auto events = laptop.Look(durable);
    if (!durable) {
      laptop.Start();  // killed within the minute
      continue;
    }
    known.Apply(events);
    for (const auto& [name, version] : debs) {
      const auto at = seen.find(name);
      const std::string before = at == seen.end() ? "" : at->second;
      if (!first && before != version) ++expected[name + before + "→" + version];
    }
    for (const auto& [name, version] : seen) {
      if (!debs.contains(name)) ++expected[name + version + "→"];
    }
    seen = debs;
    if (dice(4) == 0) laptop.Start();
  }
  known.Apply(laptop.Look());
  std::map<std::string, std::string> truth = debs;
  truth["dpkg"] = "1.21.22";
  CHECK(known.versions == truth);
  if (seen == debs) CHECK(known.told == expected);
}

TEST_CASE("where the spool took nothing for several looks before a kill, the whole list is told") {
  SoftwareLaptop laptop;
  Known known;
  laptop.SetDebs({{"bash", "1"}});
  known.Apply(laptop.Look());
  for (const char* version : {"2", "3", "4"}) {
    laptop.SetDebs({{"bash", version}});
    laptop.Look(false);
  }
  laptop.Start();
  const auto events = laptop.Look();
  CHECK(InWords(events) == "deb baseline begins: bash 4; dpkg 1.21.22");
  known.Apply(events);
  CHECK(known.versions == std::map<std::string, std::string>{{"bash", "4"}, {"dpkg", "1.21.22"}});
}

TEST_CASE("what cannot be kept is not told, with the reason, until it can be kept") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  std::filesystem::create_directories(laptop.state());
  std::ofstream(laptop.state() + "/software") << "in the way";
  CHECK(laptop.Look().empty());
  CHECK(laptop.recorder.cursors.empty());
  CHECK(laptop.reason("").find("not a folder") != std::string::npos);
  std::filesystem::remove(laptop.state() + "/software");
  CHECK(InWords(laptop.Look()) == "deb baseline begins: bash 5.2; dpkg 1.21.22");
  CHECK(laptop.reason("").empty());
}

TEST_CASE("switched off for a while, what changed meanwhile is told when it is switched on") {
  SoftwareLaptop laptop;
  laptop.SetDebs({{"bash", "5.2"}});
  laptop.Look();
  laptop.sampler.reset();
  laptop.SetDebs({{"bash", "5.4"}});
  laptop.clock.Advance(kDayMs);
  CHECK(InWords(laptop.Look()) == "deb: bash 5.2→5.4");
}

}  // namespace
}  // namespace candor
