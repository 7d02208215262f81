#include "agent/samplers/crash/loops.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kLoopStartMs = 1'790'000'000'000;
const std::string kLoopBoot(16, 'b');

v1::Event DiesAt(int64_t at_s, const std::string& program = "editor") {
  v1::Event event;
  event.set_wall_ms(kLoopStartMs + at_s * 1'000);
  event.mutable_crash()->set_program(program);
  event.mutable_crash()->set_signal(11);
  return event;
}
v1::Event FailsAt(int64_t at_s, const std::string& unit = "cups.service") {
  v1::Event event;
  event.set_wall_ms(kLoopStartMs + at_s * 1'000);
  event.mutable_unit_failure()->set_unit(unit);
  event.mutable_unit_failure()->set_result("exit-code");
  return event;
}

// What is told, in the order of telling: "first editor", "editor ×3 in 20 s".
class Listener {
 public:
  explicit Listener(std::string_view saved = "") : loops(saved) {}

  std::vector<std::string> Take(v1::Event event, const std::string& boot = kLoopBoot) {
    std::vector<FailureLoops::Told> told;
    loops.Take(std::move(event), boot, told);
    return Words(told);
  }
  std::vector<std::string> End(int64_t now_s) {
    std::vector<FailureLoops::Told> told;
    loops.End(kLoopStartMs + now_s * 1'000, told);
    return Words(told);
  }

  FailureLoops loops;
  uint32_t times = 0;

 private:
  std::vector<std::string> Words(const std::vector<FailureLoops::Told>& told) {
    std::vector<std::string> words;
    for (const auto& one : told) {
      const bool crash = one.event.has_crash();
      const uint32_t repeats =
          crash ? one.event.crash().repeats() : one.event.unit_failure().repeats();
      const uint64_t span_ms =
          crash ? one.event.crash().span_ms() : one.event.unit_failure().span_ms();
      const std::string name =
          crash ? one.event.crash().program() : one.event.unit_failure().unit();
      times += 1 + repeats;
      words.push_back(one.first ? "first " + name
                                : name + " ×" + std::to_string(1 + repeats) + " in " +
                                      std::to_string(span_ms / 1'000) + " s");
    }
    return words;
  }
};

using Words = std::vector<std::string>;

TEST_CASE("a single crash is told at once, and nothing after it") {
  Listener heard;
  CHECK(heard.Take(DiesAt(0)) == Words{"first editor"});
  CHECK(heard.loops.Saved().empty());
  CHECK(heard.End(61).empty());
  CHECK(heard.End(10'000).empty());
  CHECK(heard.times == 1);
}

TEST_CASE("a program that dies in a loop is told at once, then as one count") {
  Listener heard;
  CHECK(heard.Take(DiesAt(0)) == Words{"first editor"});
  for (int64_t at_s = 5; at_s <= 30; at_s += 5) CHECK(heard.Take(DiesAt(at_s)).empty());
  CHECK(heard.End(89).empty());
  CHECK(heard.End(90) == Words{"editor ×6 in 25 s"});
  CHECK(heard.times == 7);
  CHECK(heard.Take(DiesAt(300)) == Words{"first editor"});
}

TEST_CASE("a service that flaps is told once") {
  Listener heard;
  for (int64_t at_s = 0; at_s < 6; ++at_s) CHECK(heard.Take(FailsAt(at_s)).empty());
  CHECK(heard.End(60).empty());
  CHECK(heard.End(65) == Words{"cups.service ×6 in 5 s"});
  CHECK(heard.loops.Saved().empty());
}

TEST_CASE("a loop without an end is told every ten minutes") {
  Listener heard;
  Words told;
  for (int64_t at_s = 0; at_s < 3'600; at_s += 20) {
    for (std::string& word : heard.Take(DiesAt(at_s))) told.push_back(std::move(word));
    for (std::string& word : heard.End(at_s)) told.push_back(std::move(word));
  }
  CHECK(told.size() >= 6);
  CHECK(told.size() <= 7);
  heard.End(4'000);
  CHECK(heard.times == 180);
}

TEST_CASE("a long silence between two ends the loop, even when nobody looked meanwhile") {
  Listener heard;
  heard.Take(DiesAt(0));
  heard.Take(DiesAt(10));
  CHECK(heard.Take(DiesAt(1'000)) == Words{"editor ×1 in 0 s", "first editor"});
}

TEST_CASE("other programs, signals, stacks, units and boots are failures of their own") {
  Listener heard;
  heard.Take(DiesAt(0));
  CHECK(heard.Take(DiesAt(1, "browser")) == Words{"first browser"});
  for (int difference = 0; difference < 3; ++difference) {
    v1::Event other = DiesAt(2);
    if (difference == 0) other.mutable_crash()->set_signal(6);
    if (difference == 1) other.mutable_crash()->set_stack_signature("another");
    if (difference == 2) other.mutable_crash()->set_version("2");
    CHECK(heard.Take(other) == Words{"first editor"});
  }
  CHECK(heard.Take(DiesAt(3), std::string(16, 'c')) == Words{"first editor"});
  heard.Take(FailsAt(4));
  heard.Take(FailsAt(5, "ssh.service"));
  CHECK(heard.End(100) == Words{"cups.service ×1 in 0 s", "ssh.service ×1 in 0 s"});
}

TEST_CASE("what is held outlives a restart, once") {
  std::string saved;
  {
    Listener heard;
    heard.Take(DiesAt(0));
    heard.Take(DiesAt(1));
    heard.Take(DiesAt(2));
    heard.Take(FailsAt(3));
    saved = heard.loops.Saved();
  }
  Listener heard(saved);
  CHECK(heard.loops.Saved() == saved);
  CHECK(heard.Take(DiesAt(4)).empty());
  CHECK(heard.End(65) == Words{"editor ×3 in 3 s", "cups.service ×1 in 0 s"});
}

TEST_CASE("saved text that cannot be read holds nothing") {
  const std::string text = GENERATE(std::string("\xff\xff"), std::string("nonsense"), [] {
    v1::Contents contents;
    *contents.add_events() = DiesAt(0);  // of no boot
    *contents.add_events() = v1::Event();
    return contents.SerializeAsString();
  }());
  Listener heard(text);
  CHECK(heard.End(1'000).empty());
  CHECK(heard.loops.Saved().empty());
}

TEST_CASE("a clock that was set loses nothing and holds nothing for ever") {
  Listener heard;
  heard.Take(DiesAt(0));
  heard.Take(DiesAt(10));
  SECTION("back") { CHECK(heard.End(-36'000) == Words{"editor ×1 in 0 s"}); }
  SECTION("forward") { CHECK(heard.End(36'000) == Words{"editor ×1 in 0 s"}); }
  SECTION("back a little, with a further one") {
    CHECK(heard.Take(DiesAt(5)).empty());
    CHECK(heard.End(70) == Words{"editor ×2 in 0 s"});
  }
}

TEST_CASE("more loops than fit tell the quietest one, and none is lost") {
  Listener heard;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) heard.Take(DiesAt(round, "program " + std::to_string(i)));
  }
  heard.End(1'000);
  CHECK(heard.times == 150);
}

TEST_CASE("the longest names fit into what a position may be") {
  Listener heard;
  for (int i = 0; i < 20; ++i) {
    heard.Take(FailsAt(i, std::to_string(100 + i) + std::string(252, 'u')));
  }
  CHECK(heard.loops.Saved().size() > 2'000);
  CHECK(heard.loops.Saved().size() <= 4'096);
}

}  // namespace
}  // namespace candor
