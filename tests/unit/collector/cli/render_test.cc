// What people and programs get to see, letter by letter.
#include "collector/cli/render.h"

#include <cstdlib>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>

#include "collector/cli/text_width.h"
#include "common/status.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kNow = 1'795'348'800'000;  // 2026-11-22T12:00:00Z
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Table Devices() {
  Table table;
  table.name = "devices";
  table.title = "Devices";
  table.columns = {TextColumn("device", "device").Hidden(),
                   TextColumn("host", "host"),
                   TextColumn("model", "model").Rank(2),
                   ScoreColumn("score", "score"),
                   SeriesColumn("trend", "trend").Rank(3),
                   TimeColumn("last_seen", "last seen").Rank(4),
                   NumberColumn("lost_min_per_day", "lost min/day", 2),
                   IntegerColumn("crashes", "crashes"),
                   BooleanColumn("provisional", "provisional").Rank(1),
                   TextColumn("state", "state").Style(ColumnStyle::kStatus)};
  table.rows = {{std::string("id-1"), std::string("anna"), std::string("Corva 11"), 54.04,
                 Series{kNan, 50, 90}, kNow - 125'000, 1.005, int64_t{3}, false, std::string("ok")},
                {std::string("id-2"), std::string("zürich-語"),
                 std::string("Meridian 14 G2, docked"), std::monostate{}, Series{kNan, kNan, kNan},
                 std::monostate{}, std::monostate{}, std::monostate{}, true, std::string("silent")},
                {std::string("id-3"), std::string("c"), std::string(""), 80.0, Series{kNan, 80, 80},
                 kNow - 3 * 86'400'000, 12.0, int64_t{0}, false, std::string("ok")}};
  table.notes = {"3 of 7 rows"};
  return table;
}

RenderOptions Options(size_t width = 0, bool colour = false) {
  RenderOptions options;
  options.width = width;
  options.colour = colour;
  options.now_ms = kNow;
  return options;
}

TEST_CASE("A table is aligned by what is seen, numbers to the right, with units in its headings") {
  REQUIRE(RenderAsTable(Devices(), Options()) ==
          "Devices\n"
          "                                                                 lost\n"
          " host       model                   score  trend  last seen   min/day  crashes  "
          "provisional  state\n"
          " ─────────────────────────────────────────────────────────────────────────────"
          "─────────────────────\n"
          " anna       Corva 11                 54.0  ▁█     2 min ago      1.00        3  no"
          "           ok\n"
          " zürich-語  Meridian 14 G2, docked      –         –                 –        –  yes"
          "          silent\n"
          " c                                   80.0  ▅▅     3 days ago    12.00        0  no"
          "           ok\n"
          " 3 of 7 rows\n");
}

TEST_CASE("A narrow terminal loses the columns that matter least, and is told which") {
  const std::string text = RenderAsTable(Devices(), Options(60));
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    REQUIRE(TextWidth(text.substr(start, end - start)) <= 60);
    start = end + 1;
  }
  REQUIRE(text.find("last seen") == std::string::npos);
  REQUIRE(text.find("anna") != std::string::npos);
  REQUIRE(text.find("not shown for want of width: last_seen") != std::string::npos);
}

TEST_CASE("What names a row is not cut while anything less important is shown") {
  Table table;
  table.columns = {TextColumn("family", "family").Rank(1), TextColumn("unit", "unit"),
                   TextColumn("why", "why"), NumberColumn("lost_min", "lost min").Rank(2)};
  table.rows = {{std::string("network"), std::string("NetworkManager-wait.service"),
                 std::string(40, 'w'), 5.0}};
  const std::string text = RenderAsTable(table, Options(44));
  REQUIRE(text.find("NetworkManager-wait.service") != std::string::npos);
  REQUIRE(text.find("network ") == std::string::npos);
  REQUIRE(text.find("not shown for want of width: lost_min") != std::string::npos);
}

TEST_CASE("What a comparison added to a column that is not shown is not named with it") {
  Table table;
  table.columns = {TextColumn("model", "model")};
  Row row = {std::string("Corva 11")};
  for (const char* name : {"score", "score_before", "score_change", "rtt_ms_change"}) {
    table.columns.push_back(NumberColumn(name, "a heading of some width").Rank(1));
    row.emplace_back(123456789.5);
  }
  table.rows = {row};
  const std::string text = RenderAsTable(table, Options(12));
  REQUIRE(text.find("rtt_ms_change, score") != std::string::npos);
  REQUIRE(text.find("score_before") == std::string::npos);
}

TEST_CASE("Colour stands for good, fair and poor, and only where it is wanted") {
  Table table;
  table.columns = {ScoreColumn("score", "score")};
  table.rows = {{79.99}, {80.0}, {59.99}, {std::monostate{}}};
  const std::string text = RenderAsTable(table, Options(0, true));
  REQUIRE(text.find("\x1b[33m80.0\x1b[0m") != std::string::npos);
  REQUIRE(text.find("\x1b[32m80.0\x1b[0m") != std::string::npos);
  REQUIRE(text.find("\x1b[31m60.0\x1b[0m") != std::string::npos);
  REQUIRE(RenderAsTable(table, Options()).find('\x1b') == std::string::npos);
}

TEST_CASE("What a laptop sends cannot command the terminal") {
  Table table;
  table.title = "\x1b[2Jtitle";
  table.columns = {TextColumn("host", "host")};
  table.rows = {
      {std::string("a\x1b]0;owned\x07"
                   "b\r\n\u202Ec\xff")}};
  table.notes = {"note\x1b[31m"};
  const std::string text = RenderAsTable(table, Options());
  REQUIRE(text.find('\x1b') == std::string::npos);
  REQUIRE(text.find('\x07') == std::string::npos);
  REQUIRE(text.find('\r') == std::string::npos);
  REQUIRE(text.find("\u202E") == std::string::npos);
  REQUIRE(text.find('\xff') == std::string::npos);
}

TEST_CASE("A table without rows says so") {
  Table table = Devices();
  table.rows.clear();
  REQUIRE(RenderAsTable(table, Options()) == "Devices\n none\n 3 of 7 rows\n");
}

TEST_CASE("A record is a line a value, two periods side by side") {
  Table table;
  table.title = "The fleet";
  table.record = true;
  table.columns = {ScoreColumn("score", "score"), NumberColumn("score_before", "score before"),
                   NumberColumn("score_change", "change").Style(ColumnStyle::kChange),
                   SeriesColumn("trend", "trend"), IntegerColumn("devices", "devices")};
  table.rows = {{84.56, 80.06, 4.5, Series{kNan, 80, 100}, int64_t{60}}};
  REQUIRE(RenderAsTable(table, Options()) ==
          "The fleet\n"
          " score    84.6  before 80.1  +4.5\n"
          " trend    ▁█\n"
          " devices  60\n");
}

TEST_CASE("JSON is one document with full precision, times as RFC 3339, and nothing as null") {
  const auto text = Render({Devices()}, [] {
    RenderOptions options = Options();
    options.format = Format::kJson;
    return options;
  }());
  REQUIRE_OK(text);
  const auto document = nlohmann::json::parse(*text);
  REQUIRE(document["schema"] == "candor/1");
  REQUIRE(document["generated_at"] == "2026-11-22T12:00:00Z");
  REQUIRE(document["rows"].size() == 3);
  REQUIRE(document["rows"][0]["device"] == "id-1");
  REQUIRE(document["rows"][0]["score"] == 54.04);
  REQUIRE(document["rows"][0]["lost_min_per_day"] == 1.005);
  REQUIRE(document["rows"][0]["last_seen"] == "2026-11-22T11:57:55Z");
  REQUIRE(document["rows"][0]["trend"] == nlohmann::json({nullptr, 50.0, 90.0}));
  REQUIRE(document["rows"][0]["provisional"] == false);
  REQUIRE(document["rows"][1]["score"].is_null());
  REQUIRE_FALSE(document.contains("tables"));
}

TEST_CASE("JSON keeps doubles bit by bit and survives text that is not UTF-8") {
  Table table;
  table.columns = {NumberColumn("x", "x"), TextColumn("t", "t"), DayColumn("day", "day")};
  table.rows = {{0.1 + 0.2, std::string("\xff\xfe\"\\"), int64_t{20'779}},
                {1.0 / 3, std::string("a\nb"), std::monostate{}},
                {std::numeric_limits<double>::infinity(), std::string(), std::monostate{}}};
  const auto document = nlohmann::json::parse(RenderAsJson({&table}, kNow));
  REQUIRE(document["rows"][0]["x"].get<double>() == 0.1 + 0.2);
  REQUIRE(document["rows"][1]["x"].get<double>() == 1.0 / 3);
  REQUIRE(document["rows"][2]["x"].is_null());
  REQUIRE(document["rows"][0]["day"] == "2026-11-22");
  REQUIRE(document["rows"][1]["t"] == "a\nb");
}

TEST_CASE("Further tables stand beside the first, and one can be picked") {
  Table second;
  second.name = "domains";
  second.columns = {TextColumn("domain", "domain")};
  second.rows = {{std::string("network")}};
  const std::vector<Table> tables = {Devices(), second};
  RenderOptions options = Options();
  options.format = Format::kJson;
  const auto both = Render(tables, options);
  REQUIRE_OK(both);
  REQUIRE(nlohmann::json::parse(*both)["tables"]["domains"][0]["domain"] == "network");
  options.table = "domains";
  const auto one = Render(tables, options);
  REQUIRE_OK(one);
  REQUIRE(nlohmann::json::parse(*one)["rows"][0]["domain"] == "network");
  options.format = Format::kCsv;
  REQUIRE(*Render(tables, options) == "domain\r\nnetwork\r\n");
  options.table = "domain";
  REQUIRE(MessageOf(Render(tables, options).status()) ==
          "--table: no table 'domain' (there are devices, domains)");
}

TEST_CASE("CSV is RFC 4180: quoted where it must be, full precision, nothing as nothing") {
  Table table;
  table.columns = {TextColumn("name", "name"), NumberColumn("x", "x"), TimeColumn("at", "at"),
                   SeriesColumn("trend", "trend"), BooleanColumn("ok", "ok")};
  table.rows = {{std::string("a,b"), 0.1, kNow, Series{1.5, kNan}, true},
                {std::string("say \"hi\"\nthere"), std::monostate{}, std::monostate{},
                 std::monostate{}, false}};
  REQUIRE(RenderAsCsv(table) ==
          "name,x,at,trend,ok\r\n"
          "\"a,b\",0.1,2026-11-22T12:00:00Z,1.5 -,true\r\n"
          "\"say \"\"hi\"\"\nthere\",,,,false\r\n");
}

}  // namespace
}  // namespace candor
