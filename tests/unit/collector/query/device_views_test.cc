// Questions about one device: what the page shows, what it must not, and that every look is written
// down.
#include <cmath>
#include <set>

#include "collector/query/sql_tables.h"
#include "collector/score/metrics.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

v1::Unmeasured UnmeasuredWith(uint32_t metric, uint32_t event, const std::string& reason) {
  v1::Unmeasured unmeasured;
  v1::Unmeasured::Item& item = *unmeasured.add_items();
  item.set_metric(metric);
  item.set_event(event);
  item.set_reason(reason);
  return unmeasured;
}

absl::StatusOr<std::vector<Table>> AskAbout(QueryStore& store, const std::string& view,
                                            const std::string& device,
                                            const std::string& day = "") {
  return store.Ask(view, [&](v1::QueryRequest& request) {
    request.set_device(device);
    request.set_text(day);
    request.set_reason("ticket 4711");
  });
}

TEST_CASE("A device is found by host name or id, names that fit several list them") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddDevice("twin");
  store.AddDevice("twin");
  REQUIRE_OK(AskAbout(store, "device", "anna"));
  REQUIRE_OK(AskAbout(store, "device", store.id(anna)));
  const auto twin = AskAbout(store, "device", "twin");
  REQUIRE(absl::IsFailedPrecondition(twin.status()));
  REQUIRE(MessageOf(twin.status()) ==
          "'twin' names 2 devices, give an id: " + store.id(3) + ", " + store.id(2));
  const auto unknown = AskAbout(store, "device", "annna");
  REQUIRE(absl::IsNotFound(unknown.status()));
  REQUIRE(MessageOf(unknown.status()) == "no device 'annna' (did you mean anna?)");
}

TEST_CASE("A laptop enrolled anew is found by its name, its revoked past by its id") {
  QueryStore store;
  const int64_t old = store.AddDevice("anna");
  const int64_t current = store.AddDevice("anna");
  store.Execute("UPDATE device SET revoked_ms = 1 WHERE no = 1");
  const auto found = AskAbout(store, "device", "anna");
  REQUIRE_OK(found);
  REQUIRE(TextAt(found->front(), 0, "device") == store.id(current));
  const auto past = AskAbout(store, "device", store.id(old));
  REQUIRE_OK(past);
  REQUIRE(TextAt(past->front(), 0, "state") == "revoked");
}

TEST_CASE("Every look at one device is written down before it is answered") {
  const std::string view = GENERATE("device", "explain", "timeline", "watch");
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddScore(anna, 1, 80);
  REQUIRE_OK(AskAbout(store, view, "anna"));
  REQUIRE(store.looks().size() == 1);
  REQUIRE(store.looks()[0].actor == "it-read:tess");
  REQUIRE(store.looks()[0].action == "look " + view);
  REQUIRE(store.looks()[0].device_id == store.id(anna));
  REQUIRE(store.looks()[0].reason == "ticket 4711");
  store.RefuseLooks();
  REQUIRE(absl::IsUnavailable(AskAbout(store, view, "anna").status()));
}

TEST_CASE("Questions about groups are not looks at anybody") {
  QueryStore store;
  store.AddDevice("anna");
  for (const char* view : {"fleet", "devices", "score", "network", "inventory"}) {
    REQUIRE_OK(store.Ask(view));
  }
  REQUIRE(store.looks().empty());
}

TEST_CASE("A filter that leaves one device of many is a look at it, and written down") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Sales"}});
  for (const int64_t device : {anna, bert}) {
    store.AddScore(device, 1, device == anna ? 50 : 90);
    FactAccumulator facts = ActiveMinute();
    AddValues(facts, metric::kRtt, "mail", {20'000});
    store.AddFacts(device, 1, std::move(facts));
  }
  struct Case {
    std::string view;
    std::string by;
    std::string where;
    bool written;
    std::string device;  // "" where no single one is meant
  };
  const std::string id = store.id(anna);
  const std::vector<Case> cases = {
      {"devices", "", "host = anna", true, id},
      {"devices", "", "score < 60", true, id},
      {"devices", "", "score < 95", true, ""},  // rows that are devices, more than one
      {"devices", "", "score < 10", true, ""},  // that nobody is left tells, too
      {"devices", "", "", false, ""},
      {"score", "device", "score < 60", true, id},
      {"score", "host", "host = anna", true, id},
      {"health", "device", "host = anna", true, id},
      {"network", "device", "rtt_ms_p50 > 0", true, ""},
      {"score", "department", "host = anna", true, id},
      {"score", "department", "host = nobody", true, ""},
      {"fleet", "", "host = anna", true, id},
      {"score", "department", "score < 95", false, ""},
      {"boots", "department", "department = Sales and score < 95", false, ""},
  };
  for (const Case& c : cases) {
    INFO(c.view << " --by " << c.by << " --where " << c.where);
    const size_t before = store.looks().size();
    REQUIRE_OK(store.Ask(c.view, [&](v1::QueryRequest& request) {
      request.set_by(c.by);
      request.set_where(c.where);
      request.set_reason("ticket 4711");
    }));
    REQUIRE(store.looks().size() == before + (c.written ? 1 : 0));
    if (!c.written) continue;
    REQUIRE(store.looks().back().action == "look " + c.view);
    REQUIRE(store.looks().back().device_id == c.device);
    REQUIRE(store.looks().back().reason == "ticket 4711: where " + c.where);
  }
  store.RefuseLooks();
  const auto refused =
      store.Ask("devices", [](v1::QueryRequest& r) { r.set_where("host = anna"); });
  REQUIRE(absl::IsUnavailable(refused.status()));
}

TEST_CASE("Watching the fleet is written down: its latest faults are of single laptops") {
  QueryStore store;
  store.AddDevice("anna");
  REQUIRE_OK(store.Ask("watch", [](v1::QueryRequest& r) { r.set_reason("ticket 4711"); }));
  REQUIRE(store.looks().size() == 1);
  REQUIRE(store.looks()[0].action == "look watch");
  REQUIRE(store.looks()[0].device_id.empty());
  REQUIRE(store.looks()[0].reason == "ticket 4711");
}

TEST_CASE("A reason has at most 1024 bytes and no control characters, or nothing is answered") {
  QueryStore store;
  store.AddDevice("anna");
  const auto ask = [&](const std::string& reason) {
    return store
        .Ask("device",
             [&](v1::QueryRequest& request) {
               request.set_device("anna");
               request.set_reason(reason);
             })
        .status();
  };
  REQUIRE_OK(ask(std::string(1024, 'x')));
  for (const std::string& reason :
       {std::string(1025, 'x'), std::string("a\nb"), std::string("\x1b[2J"), std::string("\xff")}) {
    REQUIRE(absl::IsInvalidArgument(ask(reason)));
  }
  REQUIRE(store.looks().size() == 1);
}

TEST_CASE("explain --against: each metric beside what it was") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues values;
  values.metrics = {{"boot_s", 40, 60, 4}};
  store.AddScore(anna, 1, 70, values);
  values.metrics = {{"boot_s", 20, 95, 1}};
  store.AddScore(anna, 8, 90, values);
  const auto tables = store.Ask("explain", [](v1::QueryRequest& request) {
    request.set_device("anna");
    request.set_from("7d");
    request.set_against("previous");
    request.set_where("value_change > 10");
  });
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "metric") == "boot_s");
  REQUIRE(NumberAt(tables->front(), 0, "value") == 40);
  REQUIRE(NumberAt(tables->front(), 0, "value_before") == 20);
  REQUIRE(NumberAt(tables->front(), 0, "lost_change") == 3);
}

TEST_CASE("The page says that a laptop's epoch has forked, and what its figures lack") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const int64_t bert = store.AddDevice("bert");
  store.AddScore(anna, 1, 90);
  store.AddScore(bert, 1, 90);
  store.Execute(
      "INSERT INTO quarantine (device, epoch, seq, hash, received_ms, reason, sealed) VALUES "
      "(1, 7, 12, x'01', 1790000000000, '', x'');"
      "INSERT INTO log (device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
      "sealed_through_day) VALUES (1, 7, 2, 6, 3, x'', 0, 0, 0), (1, 7, 7, 7, 2, x'', 0, 0, 0);"
      "INSERT INTO too_late (device, day, batches, windows, events) VALUES (1, 20000, 3, 35, 1)");
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  REQUIRE(TextAt(tables->front(), 0, "state") ==
          "forked: two laptops with one identity, or a restored disk");
  const Table& losses = TableNamed(*tables, "losses");
  REQUIRE(ColumnText(losses, "what") == "lost late refused quarantined");
  REQUIRE(At(losses, 0, "batches") == Cell(int64_t{5}));
  REQUIRE(TextAt(losses, 1, "why") == "35 windows and 1 events of days that were sealed already");
  const auto sound = AskAbout(store, "device", "bert");
  REQUIRE_OK(sound);
  REQUIRE(TextAt(sound->front(), 0, "state") == "ok");
  REQUIRE(TableNamed(*sound, "losses").rows.empty());
}

TEST_CASE("The page names every entry of the registry: measured, or why not") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts = ActiveMinute();
  AddValues(facts, metric::kRtt, "mail", {20'000});
  AddSum(facts, metric::kWatched, std::string(watch::kJournal), 60'000);
  store.AddFacts(anna, 0, std::move(facts));
  store.SetUnmeasured(anna, UnmeasuredWith(metric::kBatteryHealth, 0, "no battery"));
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const Table& measured = TableNamed(*tables, "measured");
  const Table& unmeasured = TableNamed(*tables, "unmeasured");
  const std::string named =
      " " + ColumnText(measured, "metric") + " " + ColumnText(unmeasured, "metric") + " ";
  for (const MetricEntry& entry : Metrics()) {
    INFO(entry.name);
    REQUIRE(named.find(" " + std::string(entry.name) + " ") != std::string::npos);
  }
  for (const EventEntry& entry : Events()) {
    INFO(entry.name);
    REQUIRE(named.find(" " + std::string(entry.name) + " ") != std::string::npos);
  }
  bool reason_found = false;
  for (size_t row = 0; row < unmeasured.rows.size(); ++row) {
    if (TextAt(unmeasured, row, "metric") != "battery_pct") continue;
    reason_found = TextAt(unmeasured, row, "reason") == "no battery";
  }
  REQUIRE(reason_found);
}

TEST_CASE("That nothing crashed is measured only while somebody was looking") {
  const bool watched = GENERATE(true, false);
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts = ActiveMinute();
  if (watched) {
    AddSum(facts, metric::kWatched, std::string(watch::kCoredumps), 60'000);
  } else {
    store.SetUnmeasured(anna, UnmeasuredWith(0, event::kCrash, "the journal cannot be read"));
  }
  store.AddFacts(anna, 0, std::move(facts));
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const std::string measured = ColumnText(TableNamed(*tables, "measured"), "metric");
  REQUIRE((measured.find("crash") != std::string::npos) == watched);
}

TEST_CASE("A score that is missing says what it lacks, and nothing else") {
  struct Example {
    int64_t days_ago;
    std::optional<double> score;
    double coverage;
    bool provisional;
    const char* state;
  };
  const Example example = GENERATE(values<Example>({
      {0, std::nullopt, 0.274, true, "no score yet: coverage 0.27 of 0.30, 3 of 30 active minutes"},
      {3, std::nullopt, 0.274, true,
       "no score yet: coverage 0.27 of 0.30, under 30 active minutes"},
      {0, std::nullopt, 0.2999, false, "no score yet: coverage 0.29 of 0.30"},
      {0, 81.0, 0.5, true, "provisional: under 30 active minutes"},
      {0, 81.0, 0.5, false, "ok"},
  }));
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts;
  for (int i = 0; i < 3; ++i) facts.Merge(ActiveMinute());
  store.AddFacts(anna, example.days_ago, std::move(facts));
  ScoreValues values;
  values.coverage = example.coverage;
  values.provisional = example.provisional;
  store.AddScore(anna, example.days_ago, example.score, values);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  REQUIRE(TextAt(tables->front(), 0, "state") == example.state);
  REQUIRE(IsEmpty(At(tables->front(), 0, "score")) == !example.score);
}

TEST_CASE("The page shows the latest day that counts before a provisional one") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues provisional;
  provisional.provisional = true;
  store.AddScore(anna, 0, 10, provisional);
  store.AddScore(anna, 1, 85);
  store.AddScore(anna, 2, 70);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  REQUIRE(NumberAt(tables->front(), 0, "score") == 85);
  const Table& days = TableNamed(*tables, "days");
  REQUIRE(ColumnText(days, "score") == "10 85 70");
  REQUIRE(ColumnText(days, "active_time") == "under 30 minutes enough enough");
}

// A laptop that was used for so many minutes yesterday: a tenth of the time it stalls, hangs and is
// offline, and every counter grows with the minutes. Four programs crashed.
void WorkedYesterday(int minutes, QueryStore& store) {
  constexpr double kShare = 0.10;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts;
  for (int i = 0; i < minutes; ++i) {
    FactAccumulator minute = ActiveMinute();
    AddValues(minute, metric::kRtt, "mail", {20'000});
    for (const MetricEntry& entry : Metrics()) {
      if (entry.kind != MetricKind::kCounter) continue;
      const bool watched = entry.number == metric::kWatched;
      const bool of_service =
          entry.number == metric::kProbes || entry.number == metric::kProbeFailures;
      AddSum(minute, entry.number,
             watched      ? std::string(watch::kPressure)
             : of_service ? "mail"
                          : "",
             watched ? 60'000 : 6);
    }
    facts.Merge(minute);
  }
  store.AddFacts(anna, 1, std::move(facts));
  ScoreValues values;
  const double share_min = kShare * minutes;
  values.time_lost = {{"stall", share_min}, {"hang", share_min}, {"offline", share_min}};
  values.lost_min = 3 * share_min;
  values.metrics = {{"stall_pct", 100 * kShare, 60, 4},
                    {"hang_pct", 100 * kShare, 0, 4},
                    {"offline_pct", 100 * kShare, 10, 4}};
  store.AddScore(anna, 1, 80, values);
  v1::Event hang;
  hang.mutable_hang()->set_application("mailer");
  hang.mutable_hang()->set_duration_ms(static_cast<uint64_t>(share_min * 60'000));
  store.AddEvent(anna, 1, hang);
  v1::Event crashes;
  crashes.mutable_crash()->set_program("mailer");
  crashes.mutable_crash()->set_owned(true);
  crashes.mutable_crash()->set_repeats(3);
  store.AddEvent(anna, 1, crashes);
}

// Every row that the store gives away about its one device, the tables of `sql` among them.
std::vector<Row> EverythingAbout(QueryStore& store) {
  std::vector<Row> rows;
  const auto add = [&](const absl::StatusOr<std::vector<Table>>& tables) {
    REQUIRE_OK(tables);
    for (const Table& table : *tables) {
      rows.push_back({table.name});
      rows.insert(rows.end(), table.rows.begin(), table.rows.end());
    }
  };
  for (const char* view : {"device", "explain", "timeline", "watch"}) {
    add(AskAbout(store, view, "anna"));
  }
  const auto yesterday = [](v1::QueryRequest& request) {
    request.set_from(FormatDay(kToday - 1));
    request.set_to(FormatDay(kToday - 1));
  };
  for (const char* view : {"health", "network", "boots", "crashes", "score"}) {
    for (const char* by : {"device", "host", "all", "agent"}) {
      // Sums of natural groups are for comparing laptops' networks, not one laptop's days.
      if (view == std::string_view("network") && by == std::string_view("agent")) continue;
      add(store.Ask(view, [&](v1::QueryRequest& request) {
        yesterday(request);
        request.set_by(by);
        if (by == std::string_view("all")) request.set_where("host = anna");
      }));
    }
  }
  add(store.Ask("network", [&](v1::QueryRequest& request) {
    request.set_by("service");
    request.set_where("host = anna");
  }));
  add(store.Ask("fleet", yesterday));
  add(store.Ask("fleet", [](v1::QueryRequest& request) { request.set_where("host = anna"); }));
  add(store.Ask("devices", yesterday));
  for (const SqlTable& table : SqlTables()) {
    add(store.Ask("sql", [&](v1::QueryRequest& request) {
      request.set_text("SELECT * FROM " + std::string(table.name));
    }));
  }
  return rows;
}

// Working time is not a measure: whatever is shown of one device must be the same for one who
// worked two hours less, if all else is equal.
TEST_CASE("Nothing about one device tells how long somebody worked") {
  QueryStore short_store;
  QueryStore long_store;
  WorkedYesterday(340, short_store);
  WorkedYesterday(480, long_store);
  const std::vector<Row> short_day = EverythingAbout(short_store);
  const std::vector<Row> long_day = EverythingAbout(long_store);
  REQUIRE(short_day.size() == long_day.size());
  std::string_view table;
  for (size_t i = 0; i < short_day.size(); ++i) {
    REQUIRE(short_day[i].size() == long_day[i].size());
    if (short_day[i].size() == 1) table = TextIn(short_day[i][0]);
    for (size_t j = 0; j < short_day[i].size(); ++j) {
      const auto a = NumberIn(short_day[i][j]);
      const auto b = NumberIn(long_day[i][j]);
      INFO(table << ", column " << j << " of the row of "
                 << TextIn(short_day[i].size() > 1 ? short_day[i][1] : Cell()));
      REQUIRE(a.has_value() == b.has_value());
      if (a) REQUIRE(*a == Approx(*b));
      if (!a) REQUIRE(TextIn(short_day[i][j]) == TextIn(long_day[i][j]));
    }
  }
}

TEST_CASE("No ratio of two columns in SQL is the active time") {
  struct Pair {
    const char* amount;
    const char* share;
  };
  const Pair pair = GENERATE(values<Pair>({
      {"SELECT sum(minutes) FROM time_lost WHERE cause = 'stall'", "stall_pct"},
      {"SELECT sum(minutes) FROM time_lost WHERE cause = 'offline'", "offline_pct"},
      {"SELECT sum(minutes) FROM time_lost WHERE cause = 'hang'", "hang_pct"},
      {"SELECT sum(duration_s) / 60 FROM hangs", "hang_pct"},
      {"SELECT sum(lost_min) / 3 FROM scores", "stall_pct"},
  }));
  std::set<double> told;
  constexpr int kStepMin = 40;
  int days = 0;
  for (int minutes = 120; minutes <= 600; minutes += kStepMin, ++days) {
    QueryStore store;
    WorkedYesterday(minutes, store);
    const auto answer = store.Ask("sql", [&](v1::QueryRequest& request) {
      request.set_text(std::string("SELECT 100 * (") + pair.amount +
                       ") / value AS active_min FROM score_metrics WHERE metric = '" + pair.share +
                       "'");
    });
    REQUIRE_OK(answer);
    const double active_min = NumberAt(answer->front(), 0, "active_min");
    REQUIRE(active_min > minutes / 2.3);
    REQUIRE(active_min < minutes * 2.3);
    told.insert(active_min);
  }
  INFO(pair.amount << " against " << pair.share << " over " << days << " lengths of day");
  REQUIRE(told.size() <= 4);
}

TEST_CASE("Rates per 8 active hours do not tell the hours beside the number of crashes") {
  const auto table_after = [](double active_hours) {
    QueryStore store;
    const int64_t anna = store.AddDevice("anna");
    const double rate = 4 * 8 / active_hours;
    ScoreValues values;
    values.metrics = {{"app_crashes", rate, 100 - 35 * rate, 1.1 * rate},
                      {"app_hangs", rate, 100 - 25 * rate, 1.2 * rate},
                      {"rtt_ms", 40, 97.5, 0.25}};
    store.AddScore(anna, 1, 80, values);
    const auto answer = store.Ask("sql", [](v1::QueryRequest& request) {
      request.set_text("SELECT value, points, lost FROM score_metrics ORDER BY metric");
    });
    REQUIRE_OK(answer);
    const auto devices =
        store.Ask("devices", [](v1::QueryRequest& r) { r.set_sort("app_crashes"); });
    REQUIRE_OK(devices);
    return ColumnText(answer->front(), "value") + "; " + ColumnText(answer->front(), "points") +
           "; " + ColumnText(answer->front(), "lost") + "; " +
           ColumnText(devices->front(), "app_crashes");
  };
  REQUIRE(table_after(36) == table_after(37));
  REQUIRE(table_after(36) == "1 1 40; 70 80 97.5; 1 1 0.25; 1");
}

TEST_CASE("How often somebody signed in or opened the lid is not told, nor whether on a day") {
  const auto ask = [](int times, const std::string& day) {
    QueryStore store;
    const int64_t anna = store.AddDevice("anna");
    store.AddFacts(anna, 1, ActiveMinute());
    for (int i = 0; i < times; ++i) {
      v1::Event sign_in;
      sign_in.mutable_sign_in()->set_duration_ms(12'000);
      store.AddEvent(anna, 1, sign_in);
      v1::Event resume;
      resume.mutable_resume()->set_duration_ms(3'000);
      store.AddEvent(anna, 1, resume);
      v1::Event link;
      link.mutable_link_change()->set_up(true);
      store.AddEvent(anna, 1, link);
    }
    const auto tables = store.Ask("device", [&](v1::QueryRequest& request) {
      request.set_device("anna");
      request.set_from(day);
      request.set_to(day);
    });
    REQUIRE_OK(tables);
    std::vector<std::string> said;
    for (const char* name : {"measured", "unmeasured"}) {
      const Table& table = TableNamed(*tables, name);
      for (size_t row = 0; row < table.rows.size(); ++row) {
        const std::string metric = TextAt(table, row, "metric");
        if (metric != "sign_in" && metric != "resume" && metric != "link_change") continue;
        std::string text;
        for (const Cell& cell : table.rows[row]) {
          text += NumberIn(cell) ? std::to_string(*NumberIn(cell)) : std::string(TextIn(cell));
          text += '|';
        }
        said.push_back(text);
      }
    }
    return said;
  };
  const std::string yesterday = FormatDay(kToday - 1);
  REQUIRE(ask(1, "").size() == 3);
  REQUIRE(ask(1, "") == ask(7, ""));
  REQUIRE(ask(1, yesterday).size() == 3);
  REQUIRE(ask(0, yesterday) == ask(7, yesterday));
}

TEST_CASE("A timeline has faults and changes, and no boots, sign-ins, wake-ups or links") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const auto add = [&](int64_t ago, const std::function<void(v1::Event&)>& fill) {
    v1::Event event;
    fill(event);
    store.AddEvent(anna, ago, event);
  };
  add(5, [](auto& e) { e.mutable_boot_done()->set_total_us(1); });
  add(5, [](auto& e) { e.mutable_sign_in()->set_duration_ms(1); });
  add(5, [](auto& e) { e.mutable_resume()->set_duration_ms(1); });
  add(5, [](auto& e) { e.mutable_link_change()->set_up(true); });
  add(4, [](auto& e) { e.mutable_crash()->set_program("mailer"); });
  add(3, [](auto& e) { e.mutable_unit_failure()->set_unit("a.service"); });
  add(2,
      [](auto& e) { e.mutable_system_failure()->set_kind(v1::SystemFailure::UNCLEAN_SHUTDOWN); });
  const auto inventory = [](v1::Event& event, const std::string& kernel) {
    v1::Inventory::Property& property = *event.mutable_inventory()->add_set();
    property.set_key("kernel");
    property.set_value(kernel);
  };
  add(6, [&](auto& e) { inventory(e, "6.1.9"); });
  add(1, [&](auto& e) { inventory(e, "6.1.10"); });
  const auto tables = AskAbout(store, "timeline", "anna");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(ColumnText(table, "what") == "crash service failed unclean shutdown change");
  REQUIRE(TextAt(table, 3, "detail") == "6.1.9 → 6.1.10");
  // Found out when the laptop starts: a time of day would tell when that was.
  REQUIRE(IsEmpty(At(table, 2, "time")));
  REQUIRE(IsEmpty(At(table, 3, "time")));
  REQUIRE_FALSE(IsEmpty(At(table, 0, "time")));
}

TEST_CASE("Boots of one device are shown by day and duration, never by time of day") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  v1::Event boot;
  boot.mutable_boot_done()->set_total_us(31'000'000);
  boot.mutable_boot_done()->set_passphrase_us(6'000'000);
  boot.mutable_boot_done()->set_kernel_us(2'000'000);
  store.AddEvent(anna, 1, boot);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const Table& boots = TableNamed(*tables, "boots");
  REQUIRE(NumberAt(boots, 0, "boot_s") == 25);
  REQUIRE(NumberAt(boots, 0, "kernel_s") == 2);
  REQUIRE(IsEmpty(At(boots, 0, "firmware_s")));
  for (const Column& column : boots.columns) REQUIRE(column.type != ColumnType::kTime);
}

TEST_CASE("explain: a row per metric, and the points add up to 100 less the score") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues values;
  values.metrics = {
      {"boot_s", 45, 75, 2.5}, {"rtt_ms", 250, 55, 11.25}, {"dns_ms", std::nullopt, 0, 6.25}};
  store.AddScore(anna, 1, 80, values);
  store.SetUnmeasured(anna, UnmeasuredWith(metric::kUiReply, 0, "no candor-session"));
  const auto tables = AskAbout(store, "explain", "anna");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(ColumnText(table, "metric") == "rtt_ms dns_ms boot_s");
  double lost = 0;
  double weight = 0;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    lost += NumberAt(table, row, "lost");
    weight += NumberAt(table, row, "weight_pct");
  }
  REQUIRE(lost == Approx(20));
  REQUIRE(weight == Approx(100));
  REQUIRE(TextAt(table, 2, "curve") == "15→100 30→85 60→65 120→30 240→0");
  REQUIRE(TextAt(table, 1, "unit") == "could not be reached");
  REQUIRE(table.notes[0] ==
          "points lost add up to 20.00 = 100 − 80.00; coverage 0.90; model candor-1");
  const Table& missing = TableNamed(*tables, "not_scored");
  REQUIRE(missing.rows.size() == kScoreMetrics - 3);
  bool reason_found = false;
  for (size_t row = 0; row < missing.rows.size(); ++row) {
    if (TextAt(missing, row, "metric") != "ui_reply_ms") continue;
    reason_found = TextAt(missing, row, "reason") == "no candor-session";
  }
  REQUIRE(reason_found);
}

TEST_CASE("A device's trend breaks where another model scores, and each day names its own") {
  QueryStore store;
  store.AddModel("candor-2", 5);
  const int64_t anna = store.AddDevice("anna");
  ScoreValues second;
  second.model = "candor-2";
  store.AddScore(anna, 9, 60);
  store.AddScore(anna, 1, 80, second);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const Table& page = tables->front();
  const auto& trend = std::get<Series>(At(page, 0, "trend"));
  const auto& before = std::get<Series>(At(page, 0, "trend_before"));
  REQUIRE(trend[trend.size() - 3] == 80);  // a day is open east of here
  REQUIRE(std::isnan(trend[trend.size() - 11]));
  REQUIRE(before[before.size() - 11] == 60);
  REQUIRE(page.notes.front() ==
          "scored from 2026-11-21 on by candor-2: days before are not comparable and stand apart "
          "in trend_before");
  REQUIRE(ColumnText(TableNamed(*tables, "days"), "score_model") == "candor-2 candor-1");
}

TEST_CASE("explain: the day asked for, and a clear word where there is nothing") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddScore(anna, 1, 80);
  store.AddScore(anna, 2, 60);
  const auto chosen = AskAbout(store, "explain", "anna", FormatDay(kToday - 2));
  REQUIRE_OK(chosen);
  REQUIRE(chosen->front().title == "The score of anna on 2026-11-20: 60.0");
  const auto nothing = AskAbout(store, "explain", "anna", "2026-10-01");
  REQUIRE(MessageOf(nothing.status()) == "nothing to explain: anna has no facts on 2026-10-01");
  const auto wrong = AskAbout(store, "explain", "anna", "someday");
  REQUIRE(absl::IsInvalidArgument(wrong.status()));
  REQUIRE(MessageOf(wrong.status()).starts_with("--day: \"someday\""));
}

TEST_CASE("A question nobody waits for any more ends") {
  QueryStore store;
  for (int i = 0; i < 400; ++i) {
    const int64_t device = store.AddDevice("d" + std::to_string(i));
    for (int ago = 0; ago < 20; ++ago) store.AddScore(device, ago, 80);
  }
  const std::atomic<bool> cancelled = true;
  const auto models = ModelSet::BuiltIn();
  REQUIRE_OK(models);
  v1::QueryRequest request;
  request.set_view("devices");
  const auto answer = AnswerQuestion(
      QuestionParts{
          store.db(), *models, store.clock(), {}, "it-read:tess", {}, {}, &cancelled, true},
      request);
  REQUIRE(absl::IsCancelled(answer.status()));
}

}  // namespace
}  // namespace candor
