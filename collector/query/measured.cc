#include "collector/query/measured.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/coarse.h"
#include "collector/query/facts_scan.h"
#include "collector/query/quantile.h"
#include "collector/query/reasons.h"
#include "collector/query/text.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

struct Shown {
  std::optional<double> value;
  std::string_view unit;
};

constexpr double kSecondsPerHour = 3600;
// How long a wake-up or sign-in took is shown over the window that the score looks at, no shorter:
// the median of a day would tell whether there was one.
constexpr int64_t kBehaviourDaysMin = 14;
constexpr double kKib = 1024;
constexpr std::string_view kOfGroupsAlone = "never shown of one device";

std::optional<double> Ratio(std::optional<double> part, std::optional<double> whole, double times) {
  if (!part || !whole || *whole <= 0) return std::nullopt;
  return *part / *whole * times;
}

// The source whose watching is a counter's denominator.
std::string_view WatchOf(uint32_t metric) {
  return metric == metric::kThrottled     ? watch::kThrottle
         : metric == metric::kHangSeconds ? watch::kWindows
                                          : watch::kPressure;
}

// How a counter is shown without telling how long anybody worked.
Shown ShowCounter(const FactsTotal& total, uint32_t metric, const std::string& subject) {
  const std::optional<double> sum = total.Sum(metric, subject);
  const auto watched = [&](std::string_view source) {
    return total.Sum(metric::kWatched, std::string(source));
  };
  switch (metric) {
    case metric::kSegmentsSent:
      return {std::nullopt, "counted, for the share sent again"};
    case metric::kSegmentsRetransmitted:
      return {total.LossPct(), "% of sent"};
    case metric::kProbes:
      return {Ratio(sum, total.observed_s() / kSecondsPerHour, 1), "an hour"};
    case metric::kProbeFailures:
      return {total.FailurePct(subject), "% of probes"};
    case metric::kOfflineSeconds:
      return {total.OfflinePct(), "% of time with a link"};
    case metric::kOnlineSeconds: {
      const auto offline = total.OfflinePct();
      return {offline ? std::optional(100 - *offline) : std::nullopt, "% of time with a link"};
    }
    case metric::kOfflineCauseSeconds:
      return {total.OfflineCausePct(subject), "% of time with a link"};
    case metric::kProbesIpv4:
    case metric::kProbesIpv6:
      return {Ratio(sum, total.observed_s() / kSecondsPerHour, 1), "an hour"};
    case metric::kProbeFailuresIpv4:
      return {total.PartPct(metric, metric::kProbesIpv4, subject), "% of probes"};
    case metric::kProbeFailuresIpv6:
      return {total.PartPct(metric, metric::kProbesIpv6, subject), "% of probes"};
    case metric::kWifiFramesSent:
      return {std::nullopt, "counted, for the share that failed"};
    case metric::kWifiFramesRetried:
    case metric::kWifiFramesFailed:
      return {total.PartPct(metric, metric::kWifiFramesSent), "% of sent"};
    case metric::kWifiBeaconsLost:
    case metric::kWifiDrops:
      return {total.AnHour(metric, watch::kWifi), "an hour of Wi-Fi"};
    case metric::kNoLinkSeconds:
      return {total.NoLinkPct(), "% of active time"};
    case metric::kCpuStall:
    case metric::kMemoryStall:
    case metric::kIoStall:
    case metric::kAppCpuStall:
    case metric::kAppMemoryStall:
    case metric::kAppIoStall:
    case metric::kThrottled: {
      const auto whole = watched(WatchOf(metric));
      return {Ratio(sum, whole ? whole : std::optional(total.active_s() * 1000), 100),
              "% of active time"};
    }
    case metric::kHangSeconds:
      return {Ratio(sum, total.active_s(), 100), "% of active time"};
    case metric::kAgentCpu:
      return {Ratio(sum, total.observed_s() * 1000, 100), "% of a core"};
    case metric::kAgentWakeups:
      return {Ratio(sum, total.observed_s(), 1), "a second"};
    case metric::kAgentBytesSent:
    case metric::kAgentDiskWrites:
      return {Ratio(sum, total.observed_s() / kSecondsPerHour * kKib, 1), "KiB an hour"};
    case metric::kWatched:
      return {Ratio(sum, total.active_s() * 1000, 100), "% of active time"};
    default:
      return {sum, FindMetric(metric)->unit};
  }
}

Table MeasuredTable() {
  Table table;
  table.name = "measured";
  table.title = "Measured";
  table.columns = {TextColumn("family", "family").Rank(3),
                   TextColumn("metric", "metric").Key(),
                   TextColumn("subject", "of").Key(),
                   NumberColumn("value", "value", 2),
                   TextColumn("unit", "unit"),
                   NumberColumn("p50", "p50", 2).Rank(1),
                   NumberColumn("p75", "p75", 2).Rank(1),
                   NumberColumn("p99", "p99", 2).Rank(1),
                   DayColumn("day", "day").Rank(2)};
  return table;
}

Row MetricRow(const MetricEntry& entry, const FactsTotal& total, const std::string& subject,
              int64_t day) {
  const FactsTotal::Key key(entry.number, subject);
  Row row = {std::string(entry.family), std::string(entry.name), subject};
  const auto fill = [&](std::optional<double> value, std::string_view unit) {
    row.push_back(ToCell(value));
    row.push_back(std::string(unit));
  };
  if (entry.kind == MetricKind::kDistribution) {
    const auto at = [&](double q) { return total.Quantile(entry.number, subject, q); };
    fill(at(0.75), entry.unit);
    for (const double q : {0.50, 0.75, 0.99}) row.push_back(ToCell(at(q)));
  } else {
    if (entry.kind == MetricKind::kCounter) {
      const Shown shown = ShowCounter(total, entry.number, subject);
      fill(shown.value, shown.unit);
    } else {
      const MetricTotal& latest = total.metrics().at(key);
      fill(static_cast<double>(latest.latest.value_or(0)) / entry.steps_per_unit,
           entry.unit == "pct" ? "%" : entry.unit);
    }
    row.insert(row.end(), 3, Cell());
  }
  row.push_back(day);
  return row;
}

// What the events of the period say of each kind.
struct EventSums {
  std::map<uint32_t, int64_t> counts;
  std::map<uint32_t, std::vector<double>> seconds;  // boots, sign-ins, wake-ups, hangs
};

void AddEvent(const v1::Event& event, EventSums& sums) {
  const auto kind = static_cast<uint32_t>(event.what_case());
  int64_t times = 1;
  if (event.has_crash()) times += event.crash().repeats();
  if (event.has_unit_failure()) times += event.unit_failure().repeats();
  if (event.has_software_change()) times += event.software_change().changes_size() - 1;
  sums.counts[kind] += times;
  if (event.has_boot_done() && event.boot_done().has_total_us()) {
    const v1::Boot& boot = event.boot_done();
    sums.seconds[kind].push_back(
        static_cast<double>(boot.total_us() - std::min(boot.passphrase_us(), boot.total_us())) /
        1e6);
  }
  if (event.has_sign_in()) {
    sums.seconds[kind].push_back(static_cast<double>(event.sign_in().duration_ms()) / 1e3);
  }
  if (event.has_resume()) {
    sums.seconds[kind].push_back(static_cast<double>(event.resume().duration_ms()) / 1e3);
  }
  if (event.has_hang()) {
    // Their sum ÷ hang_s would be the active time.
    sums.seconds[kind].push_back(
        CoarseAmount(static_cast<double>(event.hang().duration_ms()) / 1e3));
  }
}

bool IsFault(uint32_t kind) {
  return kind == event::kCrash || kind == event::kUnitFailure || kind == event::kSystemFailure;
}

// Kinds that the agent sends about itself: none is a count like any other.
bool IsBookkeeping(uint32_t kind) {
  return kind == event::kInventory || kind == event::kUnmeasured || kind == event::kAgentNotice;
}

// A kind of event that is measured: its row; nothing where it is not. That no crash was seen is a
// measurement only while somebody was looking.
std::optional<Row> EventRowOf(const EventEntry& entry, const EventSums& sums, bool watched,
                              const std::string& days) {
  const auto count = sums.counts.find(entry.number);
  const bool seen = count != sums.counts.end();
  const bool counted = IsBookkeeping(entry.number) || (IsFault(entry.number) && watched);
  if (!seen && !counted) return std::nullopt;
  Row row = {std::string(entry.family), std::string(entry.name), std::string()};
  const auto seconds = sums.seconds.find(entry.number);
  if (seconds != sums.seconds.end()) {
    const std::vector<double>& values = seconds->second;
    row.push_back(ToCell(Median(values)));
    if (entry.sensitivity == Sensitivity::kBehaviour) {
      // Neither how many there were, nor quantiles that are equal where there was one.
      row.emplace_back(std::string("s, median"));
      row.insert(row.end(), 3, Cell());
    } else {
      row.push_back(Concat("s, median of ", values.size()));
      for (const double q : {0.50, 0.75, 0.99}) row.push_back(ToCell(NearestRank(values, q)));
    }
  } else {
    row.emplace_back(seen ? count->second : int64_t{0});
    row.push_back(entry.number == event::kUnmeasured ? "in the latest list" : Concat("in ", days));
    row.insert(row.end(), 3, Cell());
  }
  row.emplace_back(std::monostate{});
  return row;
}

Table UnmeasuredTable() {
  Table table;
  table.name = "unmeasured";
  table.title = "Not measured, and why";
  table.columns = {TextColumn("family", "family").Rank(2), TextColumn("metric", "metric").Key(),
                   TextColumn("subject", "of").Key(), TextColumn("reason", "reason")};
  return table;
}

class Builder {
 public:
  Builder(const Reasons& reasons, const FactsTotal& total, int64_t day, const Period& period,
          int64_t now_ms)
      : reasons_(reasons),
        total_(total),
        day_(day),
        period_(period),
        days_(FormatDays(period, now_ms)) {}

  void AddMetric(const MetricEntry& entry) {
    if (entry.sensitivity == Sensitivity::kBehaviour) {
      const std::string reason = reasons_.OfMetric(entry.number);
      AddReason(entry.family, entry.name, "", reason.empty() ? kOfGroupsAlone : reason);
      return;
    }
    std::set<std::string> subjects;
    for (const auto& [key, value] : total_.metrics()) {
      if (key.first == entry.number) subjects.insert(key.second);
    }
    for (const std::string& subject : subjects) {
      measured_.rows.push_back(MetricRow(entry, total_, subject, day_));
    }
    bool said = false;
    for (const Reasons::Item& item : reasons_.items()) {
      if (item.metric != entry.number || subjects.contains(item.subject)) continue;
      AddReason(entry.family, entry.name, item.subject, item.reason);
      said = true;
    }
    if (subjects.empty() && !said) {
      AddReason(entry.family, entry.name, "", "nothing sent on the latest day");
    }
  }

  void AddEvent(const EventEntry& entry, const EventSums& sums, bool watched) {
    const std::string reason = reasons_.OfEvent(entry.number);
    if (entry.sensitivity == Sensitivity::kBehaviour && reason.empty()) {
      if (period_.days() < kBehaviourDaysMin) {
        AddReason(entry.family, entry.name, "",
                  Concat("shown over ", kBehaviourDaysMin, " days or more"));
        return;
      }
      // How often somebody changed networks.
      if (sums.counts.contains(entry.number) && !sums.seconds.contains(entry.number)) {
        AddReason(entry.family, entry.name, "", kOfGroupsAlone);
        return;
      }
    }
    if (auto row = EventRowOf(entry, sums, watched && reason.empty(), days_)) {
      measured_.rows.push_back(*std::move(row));
      return;
    }
    AddReason(entry.family, entry.name, "", reason.empty() ? Concat("none in ", days_) : reason);
  }

  std::vector<Table> Take() && { return {std::move(measured_), std::move(unmeasured_)}; }

 private:
  void AddReason(std::string_view family, std::string_view name, const std::string& subject,
                 std::string_view reason) {
    unmeasured_.rows.push_back(
        {std::string(family), std::string(name), subject, std::string(reason)});
  }

  const Reasons& reasons_;
  const FactsTotal& total_;
  int64_t day_;
  const Period period_;
  const std::string days_;  // "28 days"
  Table measured_ = MeasuredTable();
  Table unmeasured_ = UnmeasuredTable();
};

}  // namespace

absl::StatusOr<std::vector<Table>> MeasuredTables(ViewContext& context,
                                                  const ViewRequest& request) {
  CANDOR_ASSIGN_OR_RETURN(const Reasons reasons, Reasons::Load(context.db, request.device->no));
  FactsTotal total;
  int64_t latest_day = 0;
  CANDOR_RETURN_IF_ERROR(
      ForEachDayFact(context, request, [&](int64_t, int64_t day, const store::v1::FactSet& facts) {
        total.Clear();
        total.Add(facts);
        latest_day = day;
      }));
  EventSums sums;
  std::vector<uint32_t> kinds;
  for (const EventEntry& entry : Events()) kinds.push_back(entry.number);
  CANDOR_RETURN_IF_ERROR(
      ForEachEvent(context, request, kinds,
                   [&](const EventRow&, const v1::Event& event) { AddEvent(event, sums); }));

  // Kept as a list, not one by one.
  sums.counts[event::kUnmeasured] = static_cast<int64_t>(reasons.items().size());

  Builder builder(reasons, total, latest_day, request.period, context.now_ms);
  const auto watched = [&](std::string_view source) {
    return total.Sum(metric::kWatched, std::string(source)).value_or(0) > 0;
  };
  for (const MetricEntry& entry : Metrics()) builder.AddMetric(entry);
  for (const EventEntry& entry : Events()) {
    const bool crash = entry.number == event::kCrash;
    builder.AddEvent(entry, sums, watched(crash ? watch::kCoredumps : watch::kJournal));
  }
  return std::move(builder).Take();
}

}  // namespace candor
