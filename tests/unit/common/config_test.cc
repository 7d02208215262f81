#include "common/config.h"

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

ConfigReader Read(std::string_view text) {
  auto reader = ConfigReader::FromText(text, "site.toml");
  REQUIRE_OK(reader);
  return std::move(*reader);
}

std::string MessageAfter(ConfigReader& reader) { return std::string(reader.Finish().message()); }

}  // namespace

TEST_CASE("values are read, defaults stay where a key is absent") {
  ConfigReader reader = Read(R"(
name = "north"
on = true
[push]
active_s = 300
share = 0.5
[list]
families = ["boot", "crash"]
)");
  std::string name = "default";
  std::string absent = "default";
  bool on = false;
  int64_t active_s = 0;
  double share = 0;
  std::vector<std::string> families;
  reader.Get("name", name);
  reader.Get("nothing", absent);
  reader.Get("on", on);
  reader.Get("push.active_s", active_s, 60, 3600);
  reader.Get("push.share", share, 0, 1);
  reader.Get("list.families", families);
  REQUIRE_OK(reader.Finish());
  REQUIRE(name == "north");
  REQUIRE(absent == "default");
  REQUIRE(on);
  REQUIRE(active_s == 300);
  REQUIRE(share == 0.5);
  REQUIRE(families == std::vector<std::string>{"boot", "crash"});
}

TEST_CASE("a mistake names file, line and key") {
  int64_t number = 7;
  SECTION("out of range") {
    ConfigReader reader = Read("\n[push]\nactive_s = 5\n");
    reader.Get("push.active_s", number, 60, 3600);
    REQUIRE(MessageAfter(reader) == "site.toml:3: push.active_s: must be from 60 to 3600");
  }
  SECTION("wrong type") {
    ConfigReader reader = Read("active_s = \"often\"\n");
    reader.Get("active_s", number, 60, 3600);
    REQUIRE(MessageAfter(reader) == "site.toml:1: active_s: must be a whole number");
  }
  SECTION("unknown key") {
    ConfigReader reader = Read("\nactive_s = 60\nacitve_s = 60\n");
    reader.Get("active_s", number, 60, 3600);
    REQUIRE(MessageAfter(reader) == "site.toml:3: acitve_s: unknown key");
  }
  SECTION("unknown table") {
    ConfigReader reader = Read("[psuh]\nactive_s = 60\n");
    REQUIRE(MessageAfter(reader) == "site.toml:2: psuh.active_s: unknown key");
  }
  SECTION("no TOML at all") {
    const auto reader = ConfigReader::FromText("a = 1\nb = = 2\n", "site.toml");
    REQUIRE(reader.status().code() == absl::StatusCode::kInvalidArgument);
    REQUIRE(std::string(reader.status().message()).rfind("site.toml:2:", 0) == 0);
  }
  SECTION("no file") {
    testing::TempFolder folder;
    const auto reader = ConfigReader::FromFile(folder.File("absent.toml"));
    REQUIRE(reader.status().code() == absl::StatusCode::kNotFound);
  }
}

TEST_CASE("other than ASCII is fine in quotes and comments, and told elsewhere") {
  ConfigReader reader =
      Read("# Büro\nname = \"Köln \\\" ä\" # ü\nlong = \"\"\"\nß\n\"\"\"\nraw = 'é\\'\n");
  std::string name;
  std::string rest;
  reader.Get("name", name);
  reader.Get("long", rest);
  reader.Get("raw", rest);
  REQUIRE_OK(reader.Finish());
  REQUIRE(name == "Köln \" ä");
  REQUIRE(ConfigReader::FromText("a = 'x'\nü = 1\n", "site.toml").status().message() ==
          "site.toml:2: a character that is not ASCII needs quotes");
  for (const char* stray : {"a = 1\nb = ü\n", "a = 'x'\n\xef\xbb\xbe /a"}) {
    const absl::Status status = ConfigReader::FromText(stray, "site.toml").status();
    INFO(status.ToString());
    REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
    REQUIRE(std::string(status.message()).rfind("site.toml:2: ", 0) == 0);
  }
}

TEST_CASE("the first mistake is the one that is told") {
  ConfigReader reader = Read("a = 1\nb = 2\n");
  std::string text;
  reader.Get("a", text);
  reader.Get("b", text);
  REQUIRE(MessageAfter(reader) == "site.toml:1: a: must be a text in quotes");
}

TEST_CASE("tables come in the order of the file and their keys are checked") {
  ConfigReader reader = Read(R"(
[[service]]
name = "mail"
[[service]]
name = "files"
port = 99
[site.zulu]
size = 1
[site.alpha]
size = 2
)");
  std::vector<std::string> names;
  for (ConfigReader& service : reader.Tables("service")) {
    service.Get("name", names.emplace_back());
  }
  REQUIRE(names == std::vector<std::string>{"mail", "files"});
  std::vector<std::string> sites;
  for (auto& [name, site] : reader.NamedTables("site")) {
    int64_t size = 0;
    site.Get("size", size, 0, 10);
    sites.push_back(name + std::to_string(size));
  }
  REQUIRE(sites == std::vector<std::string>{"zulu1", "alpha2"});
  REQUIRE(MessageAfter(reader) == "site.toml:6: service.port: unknown key");
}

TEST_CASE("lists of lists hold curves") {
  ConfigReader reader = Read("knots = [[15, 100], [30.5, 85]]\nbad = [[1, \"x\"]]\n");
  std::vector<std::vector<double>> knots;
  reader.Get("knots", knots);
  REQUIRE(knots == std::vector<std::vector<double>>{{15, 100}, {30.5, 85}});
  reader.Get("bad", knots);
  REQUIRE(MessageAfter(reader) == "site.toml:2: bad: must be a list of lists of numbers");
}

TEST_CASE("a caller's own rule is told like the built-in ones") {
  ConfigReader reader = Read("\n[a]\nb = 1\n");
  REQUIRE(std::string(reader.Error("a.b", "must be even").message()) ==
          "site.toml:3: a.b: must be even");
}

}  // namespace candor
