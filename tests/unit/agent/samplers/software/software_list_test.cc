#include "agent/samplers/software/software_list.h"

#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/software/software_laptop.h"

namespace candor {
namespace testing {

std::string InWords(const std::vector<v1::SoftwareChange>& events) {
  std::string text;
  for (const v1::SoftwareChange& event : events) {
    text += (text.empty() ? "" : " | ") + event.manager() + (event.baseline() ? " baseline" : "") +
            (event.begins() ? " begins" : "") + ":";
    for (int i = 0; i < event.changes_size(); ++i) {
      const v1::SoftwareChange::Change& change = event.changes(i);
      text += (i == 0 ? " " : "; ") + change.name() + " ";
      text += event.baseline() ? change.after() : change.before() + "→" + change.after();
    }
  }
  return text;
}

}  // namespace testing

namespace {

using testing::InWords;

struct Told {
  SoftwareStep step;
  std::string words;
};

Told Tell(const SoftwareList& before, const SoftwareList& now, Baseline baseline,
          size_t room = SoftwareLimits::kTellBytesMax) {
  std::vector<v1::SoftwareChange> events;
  Told told;
  told.step = TellSoftware("deb", TextOf("deb", before), now, baseline, room, events);
  told.words = InWords(events);
  return told;
}

TEST_CASE("what lies between two lists is what came, changed and went, and nothing else") {
  const SoftwareList before = {{"bash", "5.2"}, {"nano", "7.2"}, {"vim", "9.0"}};
  const SoftwareList now = {{"bash", "5.2"}, {"curl", "8.5"}, {"vim", "9.1"}};
  const Told told = Tell(before, now, Baseline::kNone);
  CHECK(told.words == "deb: curl →8.5; nano 7.2→; vim 9.0→9.1");
  CHECK(told.step.told == TextOf("deb", now));
  CHECK(told.step.complete);
}

TEST_CASE("two equal lists tell nothing") {
  const SoftwareList list = {{"bash", "5.2"}, {"vim", "9.0"}};
  const Told told = Tell(list, list, Baseline::kNone);
  CHECK(told.words.empty());
  CHECK(told.step.told == TextOf("deb", list));
  CHECK(Tell({}, {}, Baseline::kNone).words.empty());
}

TEST_CASE("a whole list begins, and an empty one too") {
  CHECK(Tell({}, {{"bash", "5.2"}}, Baseline::kBegins).words == "deb baseline begins: bash 5.2");
  CHECK(Tell({}, {}, Baseline::kBegins).words == "deb baseline begins:");
}

TEST_CASE("while a whole list goes on, what changes is a change") {
  const SoftwareList before = {{"bash", "5.2"}, {"nano", "7.2"}};
  const SoftwareList now = {{"bash", "5.3"}, {"vim", "9.0"}};
  CHECK(Tell(before, now, Baseline::kGoesOn).words ==
        "deb: bash 5.2→5.3; nano 7.2→ | deb baseline: vim 9.0");
}

// What a collector makes of events.
void Apply(const std::vector<v1::SoftwareChange>& events, SoftwareList& known) {
  for (const v1::SoftwareChange& event : events) {
    if (event.begins()) known.clear();
    for (const v1::SoftwareChange::Change& change : event.changes()) {
      if (change.after().empty()) {
        known.erase(change.name());
      } else {
        known[change.name()] = change.after();
      }
    }
  }
}

TEST_CASE("whatever room a step has, the steps together tell all of it once, within their bounds") {
  SoftwareList before;
  SoftwareList now;
  for (int i = 0; i < 3'000; ++i) {
    const std::string name = "package-with-a-name-" + std::to_string(i);
    if (i % 3 != 0) before[name] = "1.0-" + std::to_string(i);
    if (i % 5 != 0)
      now[name] = i % 2 == 0 ? "1.0-" + std::to_string(i) : "2.0-" + std::to_string(i);
  }
  const size_t room_max = GENERATE(size_t{300}, size_t{5'000}, size_t{40'000}, size_t{1'000'000});
  INFO(room_max);
  SoftwareList known = before;
  std::string told = TextOf("deb", before);
  size_t changes = 0;
  for (int steps = 0;; ++steps) {
    REQUIRE(steps < 2'000);
    size_t room = room_max;
    std::vector<v1::SoftwareChange> events;
    const SoftwareStep step = TellSoftware("deb", told, now, Baseline::kNone, room, events);
    size_t bytes = 0;
    for (const v1::SoftwareChange& event : events) {
      changes += static_cast<size_t>(event.changes_size());
      bytes += event.ByteSizeLong();
      REQUIRE(event.ByteSizeLong() <= SoftwareLimits::kEventBytesMax);
      REQUIRE(event.ByteSizeLong() < BatchLimits::kEventBytesMax);
    }
    REQUIRE(bytes <= room_max);
    Apply(events, known);
    REQUIRE(TextOf("deb", known) == step.told);
    told = step.told;
    if (step.complete) break;
  }
  CHECK(known == now);
  size_t expected = 0;
  for (int i = 0; i < 3'000; ++i) expected += i % 3 != 0 || i % 5 != 0 ? 1 : 0;
  for (const auto& [name, version] : now) {
    const auto at = before.find(name);
    if (at != before.end() && at->second == version) --expected;
  }
  CHECK(changes == expected);
}

TEST_CASE("one manager's lines are found among the others'") {
  const std::string text = "deb\tbash\t1\ndeb\tvim\t2\nflatpak\torg.x\t3\nsnap\tcore22\t4\n";
  CHECK(LinesOf(text, "deb") == "deb\tbash\t1\ndeb\tvim\t2\n");
  CHECK(LinesOf(text, "flatpak") == "flatpak\torg.x\t3\n");
  CHECK(LinesOf(text, "snap") == "snap\tcore22\t4\n");
  CHECK(LinesOf(text, "pacman").empty());
  CHECK(LinesOf(text, "sna").empty());
  CHECK(LinesOf("", "deb").empty());
  CHECK(LinesOf("deb\tcut", "deb") == "deb\tcut");
}

TEST_CASE("names and versions are one line, whole characters, and bounded") {
  SoftwareList list;
  CHECK(AddSoftware("a\tb\nc", "1\t2", list));
  CHECK(AddSoftware(std::string(500, 'n'), std::string(500, 'v'), list));
  CHECK(AddSoftware("bad\xff\xfe", "\xc3", list));
  CHECK(AddSoftware("", "1", list));
  CHECK(AddSoftware("x", " ", list));
  REQUIRE(list.size() == 3);
  CHECK(list.at("a b c") == "1 2");
  CHECK(list.at(std::string(SoftwareLimits::kNameBytesMax, 'n')).size() ==
        SoftwareLimits::kVersionBytesMax);
  CHECK(list.at("bad??") == "?");
}

TEST_CASE("a list holds so many packages and no more") {
  SoftwareList list;
  for (size_t i = 0; i < SoftwareLimits::kPackagesMax; ++i) {
    REQUIRE(AddSoftware(std::to_string(i), "1", list));
  }
  CHECK(AddSoftware("7", "2", list));
  CHECK_FALSE(AddSoftware("one-more", "1", list));
  CHECK(list.size() == SoftwareLimits::kPackagesMax);
}

}  // namespace
}  // namespace candor
