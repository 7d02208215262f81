// What nobody learns about one device, and that every look at one is written down.
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
  store.SetSoftware(anna, "deb", "mailer", "2.0");
  // When somebody installs something, somebody works.
  store.AddEvent(anna, 1, SoftwareChanges("deb", {{"mailer", "1.0", "2.0"}}),
                 int64_t{minutes} * 60'000);
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
  for (const char* view : {"device", "explain", "software", "timeline", "watch"}) {
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

TEST_CASE("An empty timeline says whether anybody was looking") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const auto notes = [&] { return AskAbout(store, "timeline", "anna")->front().notes; };
  REQUIRE(notes() == std::vector<std::string>{"nothing was reported in this period"});
  store.AddFacts(anna, 1, ActiveMinute());
  REQUIRE(notes() == std::vector<std::string>{"nothing went wrong and nothing changed"});
  v1::Unmeasured unmeasured;
  v1::Unmeasured::Item& item = *unmeasured.add_items();
  item.set_event(event::kCrash);
  item.set_reason("no system journal is here");
  store.SetUnmeasured(anna, unmeasured);
  REQUIRE(notes() ==
          std::vector<std::string>{"not measured: crash: no system journal is here",
                                   "nothing of what is measured went wrong, and nothing changed"});
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

}  // namespace
}  // namespace candor
