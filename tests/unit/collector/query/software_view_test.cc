// `candor software`: who has which version, what changed, and how that reaches other questions.
#include <string>

#include "collector/query/software.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

std::vector<Table> Software(QueryStore& store, const std::string& name,
                            const std::function<void(v1::QueryRequest&)>& with = {}) {
  const auto tables = store.Ask("software", [&](v1::QueryRequest& request) {
    request.set_text(name);
    if (with) with(request);
  });
  REQUIRE_OK(tables);
  return *tables;
}

// Three laptops with OpenSSL of three ages.
struct Fleet {
  QueryStore store;
  int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  int64_t bert = store.AddDevice("bert", {{"department", "Sales"}});
  int64_t cleo = store.AddDevice("cleo", {{"department", "Support"}});

  Fleet() {
    store.SetSoftware(anna, "deb", "openssl", "3.0.9-1");
    store.SetSoftware(bert, "deb", "openssl", "3.0.15-1~deb12u1");
    store.SetSoftware(cleo, "deb", "openssl", "3.0.15-1");
    for (const int64_t device : {anna, bert, cleo}) {
      store.SetSoftware(device, "deb", "bash", "5.2");
    }
    store.SetSoftware(cleo, "snap", "firefox", "145.0");
  }
};

TEST_CASE("software: versions of what fits the name, newest first, with how many have them") {
  Fleet fleet;
  const Table table = Software(fleet.store, "SSL").front();
  CHECK(ColumnText(table, "name") == "openssl openssl openssl");
  CHECK(ColumnText(table, "version") == "3.0.15-1 3.0.15-1~deb12u1 3.0.9-1");
  CHECK(ColumnText(table, "devices") == "1 1 1");
  CHECK(NumberAt(table, 0, "share_pct") == Approx(100.0 / 3));
}

TEST_CASE("software: without a name all of it, what most have first") {
  Fleet fleet;
  const Table table = Software(fleet.store, "").front();
  REQUIRE(table.rows.size() == 5);
  CHECK(TextAt(table, 0, "name") == "bash");
  CHECK(NumberAt(table, 0, "devices") == 3);
  CHECK(NumberAt(table, 0, "share_pct") == 100);
}

TEST_CASE("software: which devices have it below a version, as package managers order versions") {
  Fleet fleet;
  const Table table = Software(fleet.store, "openssl", [](v1::QueryRequest& request) {
                        request.set_by("device");
                        request.set_where("version < 3.0.15-1");
                      }).front();
  CHECK(ColumnText(table, "device") == "bert anna");
  fleet.store.SetSoftware(fleet.anna, "deb", "openssl", "1:1.0");
  const Table later = Software(fleet.store, "openssl", [](v1::QueryRequest& request) {
                        request.set_by("device");
                        request.set_where("version < 3.0.15-1");
                      }).front();
  CHECK(ColumnText(later, "device") == "bert");
}

TEST_CASE("software: by group, of the devices that a filter chooses") {
  Fleet fleet;
  const Table table = Software(fleet.store, "bash", [](v1::QueryRequest& request) {
                        request.set_by("department");
                        request.set_where("host != cleo");
                      }).front();
  CHECK(ColumnText(table, "department") == "Sales");
  CHECK(NumberAt(table, 0, "devices") == 2);
  CHECK(NumberAt(table, 0, "share_pct") == 100);
}

TEST_CASE("software: revoked devices do not count, silent ones are told of") {
  Fleet fleet;
  fleet.store.Execute("UPDATE device SET revoked_ms = 1 WHERE host = 'anna'");
  fleet.store.AddDevice("dora");
  const Table table = Software(fleet.store, "bash").front();
  CHECK(NumberAt(table, 0, "devices") == 2);
  REQUIRE(table.notes.size() == 1);
  CHECK(table.notes[0].starts_with("1 of 3 devices tell nothing of their software"));
}

TEST_CASE("software: what changed in the fleet, and on how many devices") {
  Fleet fleet;
  const v1::Event update = SoftwareChanges("deb", {{"openssl", "3.0.9-1", "3.0.15-1"}});
  fleet.store.AddEvent(fleet.anna, 5, update);
  fleet.store.AddEvent(fleet.cleo, 3, update);
  fleet.store.AddEvent(fleet.bert, 2, SoftwareChanges("deb", {{"nano", "7", ""}, {"vi", "", "9"}}));
  fleet.store.AddEvent(fleet.bert, 60, SoftwareChanges("deb", {{"long", "", "ago"}}));
  const Table changes = TableNamed(Software(fleet.store, ""), "changes");
  CHECK(ColumnText(changes, "name") == "nano vi openssl");
  CHECK(IsEmpty(At(changes, 0, "after")));
  CHECK(IsEmpty(At(changes, 1, "before")));
  CHECK(NumberAt(changes, 2, "devices") == 2);
  CHECK(std::get<int64_t>(At(changes, 2, "first_day")) == kToday - 5);
  CHECK(std::get<int64_t>(At(changes, 2, "last_day")) == kToday - 3);
}

TEST_CASE("software --device: what changed there by day, and what it has") {
  Fleet fleet;
  fleet.store.AddEvent(fleet.anna, 5, SoftwareChanges("deb", {{"openssl", "3.0.8-1", "3.0.9-1"}}));
  fleet.store.AddEvent(fleet.anna, 2, SoftwareChanges("deb", {{"nano", "7", ""}}));
  fleet.store.AddEvent(fleet.bert, 2, SoftwareChanges("deb", {{"nano", "7", ""}}));
  const auto about_anna = [](v1::QueryRequest& request) {
    request.set_device("anna");
    request.set_reason("ticket 1");
  };
  const auto tables = Software(fleet.store, "", about_anna);
  REQUIRE(tables.front().name == "software");
  CHECK(ColumnText(tables.front(), "name") == "openssl nano");
  CHECK(TextAt(tables.front(), 0, "before") == "3.0.8-1");
  CHECK(std::get<int64_t>(At(tables.front(), 0, "day")) == kToday - 5);
  CHECK(ColumnText(TableNamed(tables, "installed"), "name") == "bash openssl");
  const auto named = Software(fleet.store, "open*", about_anna);
  CHECK(ColumnText(named.front(), "name") == "openssl");
  CHECK(ColumnText(TableNamed(named, "installed"), "version") == "3.0.9-1");
  REQUIRE(fleet.store.looks().size() == 2);
  CHECK(fleet.store.looks()[0].device_id == fleet.store.id(fleet.anna));
  CHECK(fleet.store.looks()[0].action == "look software");
  CHECK(fleet.store.looks()[0].reason == "ticket 1");
}

TEST_CASE("software --device: what is not measured there is told with its reason") {
  Fleet fleet;
  v1::Unmeasured unmeasured;
  v1::Unmeasured::Item& item = *unmeasured.add_items();
  item.set_event(event::kSoftwareChange);
  item.set_subject("rpm");
  item.set_reason("rpm's database is not read");
  fleet.store.SetUnmeasured(fleet.anna, unmeasured);
  const auto tables =
      Software(fleet.store, "", [](v1::QueryRequest& request) { request.set_device("anna"); });
  REQUIRE(TableNamed(tables, "installed").notes.size() == 1);
  CHECK(TableNamed(tables, "installed").notes[0] ==
        "not measured: rpm: rpm's database is not read");
}

TEST_CASE("software: a name or a filter that leaves one device is a look at it") {
  Fleet fleet;
  Software(fleet.store, "firefox", [](v1::QueryRequest& r) { r.set_by("device"); });
  REQUIRE(fleet.store.looks().size() == 1);
  CHECK(fleet.store.looks()[0].device_id == fleet.store.id(fleet.cleo));
  CHECK(fleet.store.looks()[0].reason == "firefox");
  Software(fleet.store, "", [](v1::QueryRequest& r) { r.set_where("host = anna"); });
  REQUIRE(fleet.store.looks().size() == 2);
  CHECK(fleet.store.looks()[1].device_id == fleet.store.id(fleet.anna));
  CHECK(fleet.store.looks()[1].reason == "where host = anna");
  Software(fleet.store, "openssl");
  CHECK(fleet.store.looks().size() == 2);
}

TEST_CASE("software: what makes no sense is said") {
  Fleet fleet;
  const auto both = fleet.store.Ask("software", [](v1::QueryRequest& request) {
    request.set_device("anna");
    request.set_by("os");
  });
  CHECK(MessageOf(both.status()) == "--by does not go with --device");
  const auto endless = fleet.store.Ask(
      "software", [](v1::QueryRequest& request) { request.set_text(std::string(201, 'x')); });
  CHECK(MessageOf(endless.status()) == "the name of software is longer than 200 bytes");
}

TEST_CASE("a name fits as a part in any case, or whole where it has a star or a question mark") {
  const auto fits = [](const std::string& pattern, const std::string& name) {
    return SoftwarePattern::Parse(pattern)->Matches(name);
  };
  CHECK(fits("SSL", "libssl3"));
  CHECK(fits("", "anything"));
  CHECK_FALSE(fits("tls", "libssl3"));
  CHECK(fits("lib*", "libssl3"));
  CHECK_FALSE(fits("lib*", "python3-lib"));
  CHECK(fits("*lib*3", "python3-lib-3"));
  CHECK(fits("lib?sl3", "libssl3"));
  CHECK_FALSE(fits("lib?", "libssl3"));
  CHECK(fits("*", ""));
  CHECK_FALSE(fits("a*b*c*d*e*f*g*h*z", std::string(100, 'a')));
}

TEST_CASE("a package's version groups and filters devices in any question") {
  Fleet fleet;
  fleet.store.AddScore(fleet.anna, 1, 50);
  fleet.store.AddScore(fleet.bert, 1, 80);
  fleet.store.AddScore(fleet.cleo, 1, 90);
  const auto score =
      fleet.store.Ask("score", [](v1::QueryRequest& r) { r.set_by("package.openssl"); });
  REQUIRE_OK(score);
  CHECK(ColumnText(score->front(), "package.openssl") == "3.0.9-1 3.0.15-1~deb12u1 3.0.15-1");
  const auto devices = fleet.store.Ask(
      "devices", [](v1::QueryRequest& r) { r.set_where("package.openssl < 3.0.15-1"); });
  REQUIRE_OK(devices);
  CHECK(ColumnText(devices->front(), "host") == "anna bert");
  const auto boots = fleet.store.Ask(
      "boots", [](v1::QueryRequest& r) { r.set_where("package.openssl < 3.0.15-1"); });
  REQUIRE_OK(boots);
  const auto unknown =
      fleet.store.Ask("devices", [](v1::QueryRequest& r) { r.set_where("package.nothere < 1"); });
  CHECK_FALSE(unknown.ok());
}

TEST_CASE("inventory --by package counts what is installed") {
  Fleet fleet;
  const auto tables =
      fleet.store.Ask("inventory", [](v1::QueryRequest& r) { r.set_by("package"); });
  REQUIRE_OK(tables);
  CHECK(TextAt(tables->front(), 0, "package") == "bash");
  CHECK(NumberAt(tables->front(), 0, "devices") == 3);
  CHECK(tables->front().rows.size() == 5);
}

TEST_CASE("the timeline has what was installed, by day, and of many at once how many") {
  Fleet fleet;
  fleet.store.AddEvent(fleet.anna, 5, SoftwareChanges("deb", {{"openssl", "3.0.8-1", "3.0.9-1"}}));
  std::vector<Changed> all;
  for (int i = 0; i < 2'000; ++i) all.push_back({"p" + std::to_string(i), "1", "2"});
  fleet.store.AddEvent(fleet.anna, 2, SoftwareChanges("deb", all));
  const auto tables = AskAbout(fleet.store, "timeline", "anna");
  REQUIRE_OK(tables);
  const Table& timeline = tables->front();
  REQUIRE(timeline.rows.size() == 2);
  CHECK(TextAt(timeline, 0, "what") == "software");
  CHECK(TextAt(timeline, 0, "name") == "openssl");
  CHECK(TextAt(timeline, 0, "detail") == "3.0.8-1 → 3.0.9-1");
  CHECK(IsEmpty(At(timeline, 0, "time")));
  CHECK(TextAt(timeline, 1, "detail") == "2000 packages");
}

TEST_CASE("sql reaches what is installed and what changed, any text in it unharmed") {
  Fleet fleet;
  const std::string odd = "a\"b\\c'\x01 ü";
  fleet.store.AddEvent(fleet.anna, 5, SoftwareChanges("deb", {{odd, "1", ""}, {"x", "", "2"}}));
  fleet.store.AddEvent(fleet.anna, 5, Crash("mailer", "1"));
  const auto changes = fleet.store.Ask("sql", [](v1::QueryRequest& request) {
    request.set_text("SELECT name, before, after FROM software_changes ORDER BY after IS NULL");
  });
  REQUIRE_OK(changes);
  REQUIRE(changes->front().rows.size() == 2);
  CHECK(TextAt(changes->front(), 1, "name") == odd);
  CHECK(IsEmpty(At(changes->front(), 1, "after")));
  CHECK(IsEmpty(At(changes->front(), 0, "before")));
  const auto installed = fleet.store.Ask("sql", [](v1::QueryRequest& request) {
    request.set_text("SELECT version, count(*) AS n FROM software WHERE name = 'bash' GROUP BY 1");
  });
  REQUIRE_OK(installed);
  CHECK(NumberAt(installed->front(), 0, "n") == 3);
}

}  // namespace
}  // namespace candor
