// SQL from outside: what can be read, what cannot be reached by whatever trick, and the limits.
#include "collector/query/sql_gate.h"

#include "collector/identity/audit.h"
#include "collector/query/run_limit.h"
#include "collector/query/sql_tables.h"
#include "collector/query/text.h"
#include "common/hash.h"
#include "common/status.h"
#include "common/tls/labels.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using testing::QueryStore;

class GateFixture {
 public:
  GateFixture() {
    const int64_t anna = store.AddDevice("anna-laptop", {{"department", "Sales"}},
                                         {{"os", "Debian 12"}, {"host", "anna-laptop"}});
    const int64_t bert = store.AddDevice("bert-laptop");
    testing::ScoreValues values;
    values.metrics = {{"boot_s", 21.5, 90, 1}, {"rtt_ms", std::nullopt, 0, 9}};
    values.time_lost = {{"boot", 2.5}};
    store.AddScore(anna, 1, 81.5, values);
    store.AddScore(anna, 2, std::nullopt);
    store.AddScore(bert, 1, 42.0);
    v1::Event crash;
    crash.mutable_crash()->set_program("mailer");
    crash.mutable_crash()->set_repeats(2);
    crash.mutable_crash()->set_owned(true);
    crash.mutable_crash()->set_signal(11);
    store.AddEvent(bert, 1, crash);
    v1::Event boot;
    boot.mutable_boot_done()->set_total_us(30'500'000);
    store.AddEvent(bert, 1, boot);
    store.Execute("INSERT INTO token VALUES ('tok', x'00', 1, 0, 0, 0)");
    store.Execute("INSERT INTO audit VALUES (1, 0, 'a', 'b', 'c', 'secret', x'00', x'00')");
  }

  absl::StatusOr<Table> Run(std::string_view statement, size_t rows_max = 1000) {
    auto gate = SqlGate::Open(store.db(), [] { return absl::OkStatus(); });
    if (!gate.ok()) return gate.status();
    return (*gate)->Run(statement, rows_max);
  }
  std::string Error(std::string_view statement) {
    const auto table = Run(statement);
    REQUIRE(absl::IsInvalidArgument(table.status()));
    return std::string(MessageOf(table.status()));
  }

  QueryStore store;
};

TEST_CASE_METHOD(GateFixture, "Documented tables can be read, joined and grouped") {
  const auto scores = Run("SELECT device, day, score FROM scores ORDER BY score DESC");
  REQUIRE_OK(scores);
  REQUIRE(testing::ColumnText(*scores, "score") == "81.5 42 -");
  REQUIRE(testing::TextAt(*scores, 0, "device") == store.id(1));

  const auto joined =
      Run("SELECT l.value AS department, avg(s.score) AS mean FROM scores s JOIN labels l ON "
          "l.device = s.device AND l.key = 'department' GROUP BY 1");
  REQUIRE_OK(joined);
  REQUIRE(joined->rows.size() == 1);
  REQUIRE(testing::TextAt(*joined, 0, "department") == "Sales");
  REQUIRE(testing::NumberAt(*joined, 0, "mean") == 81.5);
  REQUIRE(joined->columns[1].type == ColumnType::kNumber);

  const auto crashes = Run("SELECT program, sum(times) AS n FROM crashes WHERE signal = 11");
  REQUIRE_OK(crashes);
  REQUIRE(testing::NumberAt(*crashes, 0, "n") == 3);

  const auto boots = Run("SELECT total_s, firmware_s FROM boots");
  REQUIRE_OK(boots);
  REQUIRE(testing::NumberAt(*boots, 0, "total_s") == 30.5);
  REQUIRE(IsEmpty(testing::At(*boots, 0, "firmware_s")));
}

TEST_CASE_METHOD(GateFixture,
                 "Every documented table has its columns and can be filtered by each") {
  for (const SqlTable& documented : SqlTables()) {
    const auto all = Run("SELECT * FROM " + std::string(documented.name));
    REQUIRE_OK(all);
    REQUIRE(all->columns.size() == documented.columns.size());
    for (size_t i = 0; i < documented.columns.size(); ++i) {
      const std::string column(documented.columns[i].name);
      REQUIRE(all->columns[i].name == column);
      const std::string table(documented.name);
      REQUIRE_OK(Run("SELECT count(*) FROM " + table + " WHERE " + column + " = 'x' OR " + column +
                     " >= 0 AND " + column + " < 7"));
    }
  }
}

TEST_CASE_METHOD(GateFixture, "A comparison handed to the store gives what it would give here") {
  const auto count = [&](const std::string& where) {
    const auto table = Run("SELECT count(*) AS n FROM scores WHERE " + where);
    REQUIRE_OK(table);
    return testing::NumberAt(*table, 0, "n");
  };
  REQUIRE(count("day = 20778") == 2);
  REQUIRE(count("day > 20777") == 2);
  REQUIRE(count("day >= 20777 AND score < 50") == 1);
  REQUIRE(count("device = '" + store.id(1) + "'") == 2);
  REQUIRE(count("score IS NULL") == 1);
  REQUIRE(count("score = NULL") == 0);
  REQUIRE(count("day = '20778'") == 2);
  REQUIRE(count("device IN (SELECT device FROM devices)") == 3);
}

TEST_CASE_METHOD(GateFixture, "No trick reaches what is not documented") {
  const char* attack =
      GENERATE("SELECT * FROM device", "SELECT * FROM main.device", "SELECT * FROM token",
               "SELECT * FROM audit", "SELECT * FROM hour_fact", "SELECT * FROM day_fact",
               "SELECT * FROM sqlite_master", "SELECT * FROM sqlite_schema",
               "SELECT * FROM sqlite_temp_master", "SELECT * FROM temp.sqlite_master",
               "SELECT * FROM pragma_table_info('device')", "SELECT * FROM pragma_database_list",
               "SELECT * FROM pragma_module_list", "SELECT * FROM json_each('[1]') JOIN device",
               "WITH scores AS (SELECT * FROM device) SELECT * FROM scores",
               "WITH devices AS (SELECT * FROM token) SELECT * FROM devices",
               "SELECT (SELECT host FROM device LIMIT 1) FROM scores",
               "SELECT * FROM scores WHERE EXISTS (SELECT 1 FROM token)",
               "SELECT 1 UNION ALL SELECT reason FROM audit", "SELECT host FROM devices",
               "SELECT candor_event(x'00', 'boot.total_s')", "SELECT load_extension('x.so')",
               "SELECT readfile('/etc/passwd')", "SELECT writefile('/tmp/x', 'y')",
               "SELECT edit('x')", "SELECT fts3_tokenizer('simple')");
  INFO(attack);
  REQUIRE(absl::IsInvalidArgument(Run(attack).status()));
}

TEST_CASE_METHOD(GateFixture, "Nothing but one SELECT is carried out") {
  const char* attack = GENERATE(
      "DELETE FROM scores", "UPDATE scores SET score = 100", "INSERT INTO scores VALUES (1)",
      "DROP TABLE scores", "CREATE TABLE x (a)", "CREATE TEMP TABLE x (a)",
      "CREATE TEMP VIEW v AS SELECT 1", "CREATE VIRTUAL TABLE v USING scores",
      "PRAGMA user_version", "PRAGMA writable_schema = 1", "ATTACH '/tmp/x.db' AS x",
      "ATTACH ':memory:' AS x", "DETACH main", "VACUUM INTO '/tmp/x.db'", "BEGIN", "COMMIT",
      "SAVEPOINT a", "REINDEX", "ANALYZE", "EXPLAIN SELECT * FROM scores",
      "EXPLAIN QUERY PLAN SELECT * FROM scores", "SELECT 1; SELECT 2",
      "SELECT 1; DELETE FROM scores", "", "  ;  ", "-- nothing",
      "SELECT * FROM scores WHERE day = ?", "VALUES (1); PRAGMA user_version");
  INFO(attack);
  REQUIRE_FALSE(Run(attack).ok());
  const auto after = Run("SELECT count(*) AS n FROM scores");
  REQUIRE_OK(after);
  REQUIRE(testing::NumberAt(*after, 0, "n") == 3);
}

TEST_CASE_METHOD(GateFixture, "What is no text comes as SQL writes it") {
  const auto table = Run("SELECT x'00ff' AS bytes, cast(x'c3' AS text) AS broken, 'é' AS text");
  REQUIRE_OK(table);
  REQUIRE(testing::TextAt(*table, 0, "bytes") == "x'00ff'");
  REQUIRE(testing::TextAt(*table, 0, "broken") == "x'c3'");
  REQUIRE(testing::TextAt(*table, 0, "text") == "é");
}

TEST_CASE_METHOD(GateFixture, "A trailing semicolon or comment is no second statement") {
  REQUIRE_OK(Run("SELECT 1 ;  "));
  REQUIRE_OK(Run("SELECT 1; -- done"));
  REQUIRE_OK(Run("SELECT 1 /* really */;"));
}

TEST_CASE_METHOD(GateFixture, "Mistakes are answered in SQLite's words with their place") {
  REQUIRE(Error("SELEC 1") == "SQL: at character 1: near \"SELEC\": syntax error");
  REQUIRE(Error("SELECT points FROM scores") == "SQL: at character 8: no such column: points");
  REQUIRE(Error("SELECT * FROM nowhere") == "SQL: no such table: nowhere");
  REQUIRE(Error("SELECT 1; SELECT 2") == "SQL: one statement at a time");
  REQUIRE(Error("EXPLAIN SELECT 1") == "SQL: only SELECT is possible");
}

TEST_CASE_METHOD(GateFixture, "Rows beyond the limit are left out, and a note says so") {
  const auto table =
      Run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
          "SELECT i FROM n",
          20);
  REQUIRE_OK(table);
  REQUIRE(table->rows.size() == 20);
  REQUIRE(table->notes == std::vector<std::string>{"only the first 20 rows"});
  REQUIRE(table->columns[0].type == ColumnType::kInteger);
}

TEST_CASE_METHOD(GateFixture, "Values, statements and results have a largest size") {
  REQUIRE_FALSE(Run("SELECT hex(printf('%.*c', 900000, 'x'))").ok());
  const auto printed = Run("SELECT printf('%.*c', 2000000, 'x') AS text");
  REQUIRE((!printed.ok() || IsEmpty(testing::At(*printed, 0, "text"))));
  REQUIRE_FALSE(Run("SELECT '" + std::string(20'000, 'x') + "'").ok());
  const auto large =
      Run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
          "SELECT printf('%.*c', 900000, 'x') FROM n");
  REQUIRE(absl::IsResourceExhausted(large.status()));
  const std::string value = "printf('%.*c', 900000, 'x')";
  REQUIRE_OK(Run("SELECT " + value + ", " + value + ", " + value));
  const auto wide = Run("SELECT " + value + ", " + value + ", " + value + ", " + value);
  REQUIRE(absl::IsResourceExhausted(wide.status()));
  REQUIRE(MessageOf(wide.status()) == "SQL: a row is larger than 3 MiB");
  std::string deep = "1";
  for (int i = 0; i < 500; ++i) deep = "(" + deep + "+1)";
  REQUIRE_FALSE(Run("SELECT " + deep).ok());
}

TEST_CASE_METHOD(GateFixture, "A statement that does not end is ended") {
  int asked = 0;
  auto gate = SqlGate::Open(store.db(), [&] {
    return ++asked < 20 ? absl::OkStatus() : absl::DeadlineExceededError("time is up");
  });
  REQUIRE_OK(gate);
  const auto endless = (*gate)->Run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", 10);
  INFO(endless.status());
  REQUIRE(absl::IsDeadlineExceeded(endless.status()));
  REQUIRE(MessageOf(endless.status()) == "time is up");
}

TEST_CASE_METHOD(GateFixture,
                 "Columns of one name are told apart, and text among numbers is text") {
  const auto table = Run("SELECT 1 AS a, 2 AS a, 'x' AS b UNION ALL SELECT 3, 4.5, 6");
  REQUIRE_OK(table);
  REQUIRE(table->columns[0].name == "a");
  REQUIRE(table->columns[1].name == "a_2");
  REQUIRE(table->columns[0].type == ColumnType::kInteger);
  REQUIRE(table->columns[1].type == ColumnType::kNumber);
  REQUIRE(table->columns[2].type == ColumnType::kText);
}

TEST_CASE_METHOD(GateFixture, "The view lists its tables, and every statement is written down") {
  const auto list = store.Ask("sql");
  REQUIRE_OK(list);
  REQUIRE(list->front().rows.size() > SqlTables().size());
  REQUIRE(store.looks().empty());
  const auto answer =
      store.Ask("sql", [](v1::QueryRequest& request) { request.set_text("SELECT 1 AS one"); });
  REQUIRE_OK(answer);
  REQUIRE(store.looks().size() == 1);
  REQUIRE(store.looks()[0].action == "sql");
  REQUIRE(store.looks()[0].reason == "SELECT 1 AS one");
  store.RefuseLooks();
  REQUIRE(absl::IsUnavailable(
      store.Ask("sql", [](v1::QueryRequest& r) { r.set_text("SELECT 1"); }).status()));
}

// Whoever reads the audit log can tell which statement it was, however long.
TEST_CASE_METHOD(GateFixture, "A long statement is written down by its beginning and its SHA-256") {
  const std::string head = "SELECT 1 AS one /* ";
  const std::string reason(GENERATE(size_t{0}, kReasonBytesMax), 'r');
  const size_t room = kAuditTextMax - (reason.empty() ? 0 : reason.size() + 2);
  const auto statement = [&](size_t size) {
    return head + std::string(size - head.size() - 2, 'x') + "*/";
  };
  for (const size_t size : {room, room + 1, size_t{16} << 10}) {
    INFO(size);
    const std::string text = statement(size);
    REQUIRE_OK(store.Ask("sql", [&](v1::QueryRequest& request) {
      request.set_text(text);
      request.set_reason(reason);
    }));
    const std::string& written = store.looks().back().reason;
    REQUIRE(written.size() <= kAuditTextMax);
    const std::string about = reason.empty() ? "" : reason + ": ";
    REQUIRE(written.starts_with(about + head));
    if (size == room) {
      REQUIRE(written == about + text);
    } else {
      REQUIRE(written.ends_with(Concat(size, " bytes, SHA-256 ", ToHex(Sha256(text)), "]")));
    }
  }
}

TEST_CASE_METHOD(GateFixture, "A filter with --where picks among the rows of a statement") {
  const auto ask = [&](const std::string& where) {
    return store.Ask("sql", [&](v1::QueryRequest& request) {
      request.set_text("SELECT 1 AS a UNION ALL SELECT 2");
      request.set_where(where);
      request.set_limit(1);  // of the rows that are left
    });
  };
  const auto picked = ask("a > 1");
  REQUIRE_OK(picked);
  REQUIRE(testing::ColumnText(picked->front(), "a") == "2");
  REQUIRE(MessageOf(ask("b > 1").status()) ==
          "--where: at character 1: no column 'b' (did you mean a?)");
}

}  // namespace
}  // namespace candor
