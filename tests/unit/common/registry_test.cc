#include "common/registry.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "tests/support/catch.h"
#include "tests/unit/common/locked_lines.h"

namespace candor {
namespace {

std::string LockLine(const MetricEntry& m) {
  std::ostringstream line;
  line << "metric " << m.number << " " << m.name << " " << m.unit << " " << KindName(m.kind) << " "
       << m.steps_per_unit << " " << (m.active_only ? "active" : "always");
  return line.str();
}

std::string LockLine(const EventEntry& e) {
  return "event " + std::to_string(e.number) + " " + std::string(e.name);
}

// The constants of candor::watch: their values are on the wire like a number, and only the header
// lists them all.
std::vector<std::string> WatchSubjects() {
  std::ifstream file(CANDOR_SOURCE_DIR "/common/registry.h");
  std::vector<std::string> subjects;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("namespace watch")) inside = true;
    if (line.starts_with("}")) inside = false;
    const size_t open = line.find(" = \"");
    if (!inside || open == std::string::npos) continue;
    const size_t begin = open + 4;
    subjects.push_back(line.substr(begin, line.find('"', begin) - begin));
  }
  return subjects;
}

std::set<std::string> RegistryLines() {
  std::set<std::string> lines;
  for (const MetricEntry& m : Metrics()) lines.insert(LockLine(m));
  for (const EventEntry& e : Events()) lines.insert(LockLine(e));
  for (const std::string& subject : WatchSubjects()) lines.insert("watch " + subject);
  return lines;
}

}  // namespace

TEST_CASE("no number is used again and no meaning has changed") {
  const std::vector<std::string> locked = testing::LockedLines("registry.lock");
  REQUIRE(locked.size() > 10);
  std::set<std::string> numbers;
  const std::set<std::string> registry = RegistryLines();
  for (const std::string& line : locked) {
    INFO(line);
    // "retired metric 7 …": gone from the registry, its number never to come back.
    const bool retired = line.rfind("retired ", 0) == 0;
    std::istringstream words(retired ? line.substr(8) : line);
    std::string kind;
    std::string number;
    words >> kind >> number;
    REQUIRE(numbers.insert(kind + " " + number).second);
    REQUIRE(registry.contains(line) == !retired);
    if (retired && kind == "metric") {
      REQUIRE(FindMetric(static_cast<uint32_t>(std::stoul(number))) == nullptr);
    }
  }
}

TEST_CASE("every entry of the registry is in registry.lock") {
  const std::vector<std::string> locked = testing::LockedLines("registry.lock");
  for (const std::string& line : RegistryLines()) {
    INFO("add to proto/candor/v1/registry.lock: " << line);
    REQUIRE(std::find(locked.begin(), locked.end(), line) != locked.end());
  }
}

TEST_CASE("the subjects of what is watched are found where they are listed") {
  const std::vector<std::string> subjects = WatchSubjects();
  REQUIRE(std::find(subjects.begin(), subjects.end(), watch::kJournal) != subjects.end());
  REQUIRE(subjects.back() == watch::kWifi);
}

TEST_CASE("entries are sorted, named once and complete") {
  std::set<std::string_view> names;
  uint32_t last = 0;
  for (const MetricEntry& m : Metrics()) {
    INFO(m.name);
    REQUIRE(m.number > last);
    last = m.number;
    REQUIRE(names.insert(m.name).second);
    REQUIRE(m.steps_per_unit > 0);
    REQUIRE_FALSE(m.unit.empty());
    REQUIRE_FALSE(m.source.empty());
    REQUIRE_FALSE(m.reason.empty());
    REQUIRE(FindMetric(m.number) == &m);
    REQUIRE(FindMetric(m.name) == &m);
  }
  REQUIRE(FindMetric(uint32_t{1}) == nullptr);
  REQUIRE(FindMetric(uint32_t{99'999}) == nullptr);
  REQUIRE(FindMetric("no_such_metric") == nullptr);
}

TEST_CASE("an event kind's number is its field number on the wire") {
  const google::protobuf::OneofDescriptor* what = v1::Event::descriptor()->FindOneofByName("what");
  REQUIRE(what->field_count() == static_cast<int>(Events().size()));
  for (int i = 0; i < what->field_count(); ++i) {
    INFO(what->field(i)->name());
    const EventEntry* entry = FindEvent(static_cast<uint32_t>(what->field(i)->number()));
    REQUIRE(entry != nullptr);
    // Two that changed places would have the right numbers. A name that is a word of the language
    // elsewhere has a suffix here.
    const std::string& name = what->field(i)->name();
    REQUIRE((name == entry->name || name == std::string(entry->name) + "_done"));
  }
}

}  // namespace candor
