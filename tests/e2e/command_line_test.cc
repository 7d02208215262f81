// Every program answers --help; a mistake gets one clear line on standard error, nothing on
// standard output, and the right exit code: 1 for a failure, 2 for wrong usage.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {
namespace {

using nlohmann::json;

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
constexpr double kTolerance = 1e-9;

using Words = std::vector<std::string>;

Outcome RunOne(const std::string& program, const Words& words) {
  Words all = {ProgramPath(program)};
  all.insert(all.end(), words.begin(), words.end());
  return RunProgram(all);
}

std::string Text(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += word + " ";
  return text;
}

// One line, which holds each of `parts`, and nothing where results go.
void RequireMistake(const Outcome& outcome, int exit_code, const Words& parts) {
  INFO("exit " << outcome.exit_code << "\nout: " << outcome.out << "\nerr: " << outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.out.empty());
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  for (const std::string& part : parts) {
    INFO("missing: " << part);
    CHECK(outcome.err.find(part) != std::string::npos);
  }
}

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

const Words kPrograms = {"candor", "candor-agent", "candor-uplink", "candor-collector",
                         "candor-loadgen"};

TEST_CASE("every program tells its help and its version") {
  for (const std::string& program : kPrograms) {
    for (const char* word : {"--help", "--version"}) {
      const Outcome outcome = RunOne(program, {word});
      INFO(program << " " << word << ": " << outcome.err);
      CHECK(outcome.exit_code == 0);
      CHECK_FALSE(outcome.out.empty());
      CHECK(outcome.err.empty());
    }
  }
}

TEST_CASE("every program says when its output has no room, and is content when its reader leaves") {
  for (const std::string& program : kPrograms) {
    INFO(program);
    const Outcome full = RunProgram({"sh", "-c", ProgramPath(program) + " --help >/dev/full"});
    RequireMistake(full, kFailure, {program + ": ", "standard output", "No space left"});
    const Outcome left = RunProgram({"sh", "-c", ProgramPath(program) + " --help | true"});
    CHECK(left.exit_code == 0);
    CHECK(left.err.empty());
  }
}

TEST_CASE("every command tells its help") {
  const std::vector<std::pair<std::string, Words>> commands = {
      {"candor-agent", {"run", "status", "sample", "ledger", "enroll"}},
      {"candor-collector", {"init", "rebuild", "check", "dump"}},
      {"candor",
       {"fleet", "devices", "device", "score", "explain", "boots", "crashes", "network", "health",
        "inventory", "software", "timeline", "watch", "sql", "metrics"}}};
  for (const auto& [program, names] : commands) {
    for (const std::string& name : names) {
      const Outcome outcome = RunOne(program, {name, "--help"});
      INFO(program << " " << name << ": " << outcome.err);
      CHECK(outcome.exit_code == 0);
      CHECK(outcome.out.find(name) != std::string::npos);
    }
  }
}

TEST_CASE("wrong arguments are wrong usage, and the word is named") {
  for (const std::string& program : kPrograms) {
    INFO(program);
    RequireMistake(RunOne(program, {"--frobnicate"}), kWrongUsage, {program, "--frobnicate"});
  }
  const std::vector<std::pair<Words, Words>> cases = {
      {{"candor"}, {"--help"}},
      {{"candor", "frobnicate"}, {"frobnicate"}},
      {{"candor", "device"}, {"HOST"}},
      {{"candor", "devices", "--limit", "many"}, {"--limit", "many"}},
      {{"candor", "devices", "--limit", "-1"}, {"--limit", "-1"}},
      {{"candor", "fleet", "--format", "xml"}, {"--format", "xml"}},
      {{"candor", "fleet", "--table"}, {"--table"}},
      {{"candor-agent", "frobnicate"}, {"frobnicate"}},
      {{"candor-agent", "enroll"}, {"--collector"}},
      {{"candor-agent", "sample", "--format", "xml"}, {"--format", "xml"}},
      {{"candor-collector", "frobnicate"}, {"frobnicate"}},
      {{"candor-collector", "init"}, {"--data"}},
      {{"candor-collector", "--listen", "127.0.0.1:65537"}, {"--listen", "65537"}},
      {{"candor-collector", "--enroll", "nowhere"}, {"--enroll", "nowhere"}},
      {{"candor-collector", "--http", "0.0.0.0:0"}, {"--http", "loopback"}},
      {{"candor-collector", "init", "--data", "x", "--host", "bad host"}, {"--host", "bad host"}},
      {{"candor-agent", "enroll", "--collector", "127.0.0.1", "--token-file", "x",
        "--ca-fingerprint", std::string(64, '0')},
       {"--collector", "127.0.0.1"}},
      {{"candor-agent", "enroll", "--collector", "127.0.0.1:1", "--token-file", "x",
        "--ca-fingerprint", "00"},
       {"--ca-fingerprint"}},
      {{"candor-agent", "enroll", "--collector", "127.0.0.1:1", "--token-file", "x",
        "--ca-fingerprint", std::string(64, '0'), "--label", "nolabel"},
       {"--label", "nolabel"}},
      {{"candor-loadgen", "--devices", "many"}, {"--devices"}},
  };
  for (const auto& [line, parts] : cases) {
    INFO(Text(line));
    RequireMistake(RunOne(line[0], Words(line.begin() + 1, line.end())), kWrongUsage, parts);
  }
}

TEST_CASE("a damaged configuration is named with file, line and key") {
  const TempFolder folder;
  const std::string file = folder.File("damaged.toml");
  struct Case {
    std::string program;
    std::string text;
    Words parts;
  };
  const std::vector<Case> cases = {
      {"candor-collector", "[push]\nactive_s = \n", {"2"}},
      {"candor-collector", "[push]\nactive_s = \"often\"\n", {":2", "push.active_s"}},
      {"candor-collector", "\n[push]\nactiv_s = 60\n", {":3", "push.activ_s"}},
      {"candor-collector", "[listen]\nfleet = 7443\n", {":2", "listen.fleet"}},
      {"candor-agent", "[tick]\nactive_s = \n", {"2"}},
      {"candor-agent", "[tick]\nactive_s = 0\n", {":2", "tick.active_s"}},
      {"candor-agent", "[tick]\n\nidel_s = 60\n", {":3", "tick.idel_s"}},
      {"candor-agent", "[[service]]\nname = \"mail\"\nport = 70000\n", {":3", "port"}},
  };
  for (const Case& c : cases) {
    INFO(c.program << ":\n" << c.text);
    WriteText(file, c.text);
    Words words = {"--config", file};
    if (c.program == "candor-collector") {
      words.insert(words.end(), {"--data", folder.File("data")});
    } else {
      words.insert(words.end(), {"--state", folder.File("state"), "sample"});
    }
    Words parts = c.parts;
    parts.push_back("damaged.toml");
    RequireMistake(RunOne(c.program, words), kFailure, parts);
  }
  const std::string absent = folder.File("absent.toml");
  RequireMistake(RunOne("candor-collector", {"--config", absent}), kFailure, {"absent.toml"});
  RequireMistake(RunOne("candor-agent", {"--config", absent, "sample"}), kFailure, {"absent.toml"});
}

TEST_CASE("what the collector cannot answer is one line") {
  CollectorFixture collector;
  collector.Start();
  const std::vector<std::pair<Words, Words>> mistakes = {
      {{"devices", "--where", "score <"}, {"--where", "character 8"}},
      {{"devices", "--where", "scroe < 60"}, {"scroe"}},
      {{"devices", "--sort", "colour"}, {"colour"}},
      {{"devices", "--from", "soon"}, {"soon"}},
      {{"fleet", "--against", "never"}, {"never"}},
      {{"score", "--by", "shoe size"}, {"shoe size"}},
      {{"sql", "SELECT * FROM secrets"}, {"secrets"}},
      {{"sql", "DELETE FROM scores"}, {"SQL", "scores", "may not be modified"}},
      {{"score", "--by", "package"}, {"package.NAME"}},
      {{"metrics", "--reason", "?"}, {"metrics", "--reason"}},
      {{"watch", "--reason", "a\tb"}, {"--reason"}},
      {{"token", "create", "--expires", "soon"}, {"soon"}},
      {{"token", "create", "--expires", "400d"}, {"366 days"}},
      {{"token", "create", "--uses", "2000000"}, {"1000000 uses"}},
      {{"token", "list", "--where", "colour = red"}, {"--where", "colour"}},
      {{"token", "list", "--sort", "colour"}, {"--sort", "colour"}},
      {{"device", "revoke", "a b"}, {"host"}},
  };
  for (const auto& [words, parts] : mistakes) {
    INFO("candor " << Text(words));
    RequireMistake(collector.Candor(words), kWrongUsage, parts);
  }
  for (const Words& words : std::vector<Words>{{"device", "nobody"},
                                               {"explain", "nobody"},
                                               {"timeline", "nobody"},
                                               {"device", "revoke", "nobody"},
                                               {"watch", "nobody"}}) {
    INFO("candor " << Text(words));
    RequireMistake(collector.Candor(words), kFailure, {"nobody"});
  }
  RequireMistake(collector.Candor({"token", "revoke", "ffffffffffffffff"}), kFailure,
                 {"ffffffffffffffff"});
}

TEST_CASE("an unreachable collector, a foreign credential and no credential are told apart") {
  CollectorFixture ours, other;
  ours.Start();
  other.Start();
  const std::string credential = ours.data() + "/admin.toml";
  RequireMistake(
      RunOne("candor", {"fleet", "--collector", "127.0.0.1:1", "--credential", credential}),
      kFailure, {"127.0.0.1:1"});
  RequireMistake(
      RunOne("candor", {"fleet", "--collector", other.fleet_address(), "--credential", credential}),
      kFailure, {other.fleet_address()});
  // The likeliest mistake: the other of the two ports.
  RequireMistake(
      RunOne("candor", {"fleet", "--collector", ours.enroll_address(), "--credential", credential}),
      kFailure, {"another port"});
  RequireMistake(RunOne("candor", {"token", "list", "--collector", ours.enroll_address(),
                                   "--credential", credential}),
                 kFailure, {"another port"});
  const std::string absent = ours.folder() + "/absent.toml";
  RequireMistake(RunOne("candor", {"fleet", "--credential", absent}), kFailure, {"absent.toml"});
  const std::string damaged = ours.folder() + "/credential.toml";
  WriteText(damaged, "collector = \"127.0.0.1:1\"\ncertificate = 7\n");
  RequireMistake(RunOne("candor", {"fleet", "--credential", damaged}), kFailure,
                 {"credential.toml", "certificate"});
}

TEST_CASE("a laptop's identity opens no question, and a token no second door") {
  CollectorFixture collector;
  collector.Start();
  const std::string state = collector.folder() + "/agent";
  const std::string token = collector.TokenFile(1);
  const auto enroll = [&](const std::string& folder, const std::string& fingerprint) {
    return RunOne("candor-agent",
                  {"enroll", "--collector", collector.enroll_address(), "--token-file", token,
                   "--ca-fingerprint", fingerprint, "--state", folder});
  };
  RequireMistake(enroll(state, std::string(64, '0')), kFailure, {"fingerprint"});
  RequireSuccess(enroll(state, collector.fingerprint()), "candor-agent enroll");
  RequireMistake(enroll(state + "2", collector.fingerprint()), kFailure, {"token"});
  const Outcome asked = RunOne("candor", {"fleet", "--collector", collector.fleet_address(),
                                          "--credential", state + "/identity/identity.toml"});
  INFO(asked.err);
  CHECK(asked.exit_code == kFailure);
  CHECK(asked.out.empty());
}

// The worked cases, through the program that everybody can run.
TEST_CASE("all worked cases agree within 1e-9 through candor score --facts") {
  const std::string file = CANDOR_SOURCE_DIR "/tests/unit/collector/score/score-vectors.json";
  std::ifstream in(file);
  const json expected = json::parse(in).at("expected");
  const Outcome outcome = RunOne("candor", {"score", "--facts", file, "--format", "json"});
  RequireSuccess(outcome, "candor score --facts");
  const json rows = json::parse(outcome.out).at("rows");
  REQUIRE(rows.size() == 40);
  REQUIRE(expected.size() == 40);
  const auto near = [](const json& want, const json& got) {
    if (!want.is_number() || !got.is_number()) return want == got;
    return std::abs(want.get<double>() - got.get<double>()) <= kTolerance;
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    const json& want = expected[i];
    const json& got = rows[i];
    INFO(want.dump() << "\n" << got.dump());
    REQUIRE(want.at("id") == got.at("id"));
    CHECK(want.at("provisional") == got.at("provisional"));
    CHECK(near(want.at("score"), got.at("score")));
    CHECK(near(want.at("coverage"), got.at("coverage")));
    for (const char* part : {"domains", "losses"}) {
      REQUIRE(want.at(part).size() == got.at(part).size());
      for (const auto& [name, value] : want.at(part).items()) {
        INFO(part << " " << name);
        REQUIRE(got.at(part).contains(name));
        CHECK(near(value, got.at(part).at(name)));
      }
    }
  }
}

TEST_CASE("facts that cannot be scored are refused by id and field") {
  const TempFolder folder;
  const std::string file = folder.File("facts.json");
  const std::string head = R"({"facts":[{"id":"x7","active_min":60,"coverage_factor":1,"values":)";
  const std::vector<std::pair<std::string, Words>> cases = {
      {head + R"({"boot_minutes":1}}]})", {"x7", "boot_minutes"}},
      {head + R"({"boot_s":-1}}]})", {"x7", "boot_s"}},
      {head + R"({"boot_s":1e999}}]})", {"facts.json"}},
      {head + R"({"boot_s":"30"}}]})", {"x7", "boot_s"}},
      {head + R"([]}]})", {"x7", "values"}},
      {R"({"facts":[{"active_min":60}]})", {"id"}},
      {R"({"facts":)", {"facts.json"}},
      {"", {"facts.json"}},
  };
  for (const auto& [text, parts] : cases) {
    INFO(text);
    WriteText(file, text);
    RequireMistake(RunOne("candor", {"score", "--facts", file}), kFailure, parts);
  }
  WriteText(file, head + R"({"boot_s":20}}]})");
  RequireMistake(RunOne("candor", {"score", "--facts", file, "--model", "candor-9"}), kFailure,
                 {"candor-9"});
  RequireMistake(RunOne("candor", {"score", "--facts", folder.File("absent.json")}), kFailure,
                 {"absent.json"});
}

}  // namespace
}  // namespace candor::testing
