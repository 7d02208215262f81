#include "collector/server/metrics_page.h"

#include <cstdio>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/version.h"

namespace candor {
namespace {

class Page {
 public:
  template <typename T>
  void Counter(std::string_view name, std::string_view help, T value) {
    Line(name, help, "counter", absl::StrCat(value));
  }
  template <typename T>
  void Gauge(std::string_view name, std::string_view help, T value) {
    Line(name, help, "gauge", absl::StrCat(value));
  }
  void Seconds(std::string_view name, std::string_view help, std::string_view kind, double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", value);
    Line(name, help, kind, text);
  }
  void Line(std::string_view name, std::string_view help, std::string_view kind,
            std::string_view value) {
    text_.append("# HELP candor_").append(name).append(" ").append(help);
    text_.append("\n# TYPE candor_").append(name).append(" ").append(kind);
    text_.append("\ncandor_").append(name).append(" ").append(value).append("\n");
  }
  std::string Take() { return std::move(text_); }
  std::string& text() { return text_; }

 private:
  std::string text_;
};

void AddIngest(const IngestStats& s, Page& page) {
  page.Counter("ingest_batches_total", "Batches stored, tombstones included.", s.batches.load());
  page.Counter("ingest_tombstones_total", "Tombstones stored.", s.tombstones.load());
  page.Counter("ingest_bytes_total", "Sealed bytes stored.", s.bytes.load());
  page.Counter("ingest_duplicates_total", "Batches that were here already.", s.duplicates.load());
  page.Counter("ingest_refused_total", "Batches refused for good.", s.refused.load());
  page.Counter("ingest_quarantined_total", "Batches of forked epochs, kept apart.",
               s.quarantined.load());
  page.Counter("ingest_forks_total", "Epochs found to have forked.", s.forks.load());
  page.Counter("ingest_gaps_total", "Gap records.", s.gaps.load());
  page.Counter("ingest_lost_places_total", "Places in gap records.", s.lost_places.load());
  page.Counter("ingest_ahead_total", "Batches that came before their turn.", s.ahead.load());
  page.Counter("ingest_commit_failures_total", "Groups of batches that could not be committed.",
               s.commit_failures.load());
  page.Counter("ingest_item_failures_total",
               "Batches and hellos that could not be stored while the rest of their group was.",
               s.item_failures.load());
  page.Counter("ingest_streams_total", "Streams accepted.", s.streams.load());
  page.Gauge("ingest_streams", "Streams open.", s.streams_open.load());
  page.Counter("ingest_streams_denied_total", "Streams of revoked or foreign identities.",
               s.streams_denied.load());
  page.Counter("ingest_streams_throttled_total", "Streams told to come back later.",
               s.streams_throttled.load());
  page.Counter("ingest_streams_superseded_total", "Streams replaced by a newer one.",
               s.streams_superseded.load());
  page.Gauge("ingest_pending_bytes", "Received and not yet on disk.", s.pending_bytes.load());
}

// Unlike the counters above these do not begin anew with the process.
void AddLosses(const Losses& losses, Page& page) {
  page.Gauge("forked_epochs",
             "Spool lives of two laptops with one identity, or of a restored disk, until one of "
             "them enrols anew.",
             losses.forked_epochs);
  page.Gauge("quarantine_batches", "Batches in quarantine.", losses.quarantined);
  page.Gauge("log_gaps", "Times laptops no longer held what should have come next, in the log.",
             losses.gaps);
  page.Gauge("log_lost_places", "Batches that never came, in the log.", losses.lost_places);
  page.Gauge("log_refused", "Batches refused for good, in the log.", losses.refused);
  page.Gauge("log_tombstones", "Times full spools dropped batches, in the log.", losses.tombstones);
  page.Gauge("log_dropped_places", "Batches that full spools dropped, in the log.",
             losses.dropped_places);
  page.Gauge("late_batches", "Batches with data for days sealed before.", losses.late_batches);
  page.Gauge("late_windows", "Windows of days sealed before, not folded.", losses.late_windows);
  page.Gauge("late_events", "Events of days sealed before, not folded.", losses.late_events);
}

}  // namespace

std::string MetricsPage(const IngestStats& ingest, const CollectorGauges& gauges) {
  Page page;
  page.text() = absl::StrCat("# HELP candor_build_info Version of the collector.\n",
                             "# TYPE candor_build_info gauge\ncandor_build_info{version=\"",
                             std::string(kVersion), "\"} 1\n");
  AddIngest(ingest, page);
  page.Counter("store_commits_total", "Transactions committed.", gauges.commits);
  page.Gauge("store_writes_waiting", "Write requests waiting for a transaction.",
             gauges.writes_waiting);
  page.Gauge("store_database_bytes", "Size of the database.", gauges.database_bytes);
  page.Gauge("store_wal_bytes", "Size of the write-ahead log.", gauges.wal_bytes);
  page.Gauge("log_head", "Number of the last row of the log.", gauges.log_head);
  page.Gauge("fold_lag_rows", "Rows of the log not yet folded.", gauges.fold_lag_rows);
  page.Gauge("fold_score_days_behind", "Device-days whose score is older than their facts.",
             gauges.fold_score_days_behind);
  AddLosses(gauges.losses, page);
  page.Gauge("devices", "Devices enrolled and not revoked.", gauges.devices);
  page.Seconds("start_time_seconds", "When the collector started, since 1970.", "gauge",
               static_cast<double>(gauges.started_ms) / 1e3);
  page.Gauge("resident_memory_bytes", "Memory in use.", gauges.resident_bytes);
  page.Seconds("cpu_seconds_total", "Processor time used.", "counter", gauges.cpu_seconds);
  return page.Take();
}

}  // namespace candor
