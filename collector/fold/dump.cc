#include "collector/fold/dump.h"

#include <cstdio>
#include <ostream>
#include <string>

#include "candor/v1/envelope.pb.h"
#include "collector/fold/facts.h"
#include "collector/fold/slice_store.h"
#include "collector/store/facts.pb.h"
#include "common/compress.h"
#include "common/hash.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

std::string Real(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

// Text from outside, on one line and without ambiguity.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      quoted += escaped;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string MetricName(uint32_t number) {
  const MetricEntry* metric = FindMetric(number);
  return metric != nullptr ? std::string(metric->name) : "metric-" + std::to_string(number);
}

std::string EventName(uint32_t number) {
  const EventEntry* event = FindEvent(number);
  return event != nullptr ? std::string(event->name) : "event-" + std::to_string(number);
}

// Writes table after table of one database.
class Dumper {
 public:
  Dumper(Database& db, std::ostream& out) : db_(db), out_(out) {}

  absl::Status Run() {
    CANDOR_RETURN_IF_ERROR(Behind());
    CANDOR_RETURN_IF_ERROR(DayFacts());
    CANDOR_RETURN_IF_ERROR(HourFacts());
    CANDOR_RETURN_IF_ERROR(Events());
    CANDOR_RETURN_IF_ERROR(Inventory());
    CANDOR_RETURN_IF_ERROR(Software());
    CANDOR_RETURN_IF_ERROR(Unmeasured());
    CANDOR_RETURN_IF_ERROR(TooLate());
    CANDOR_RETURN_IF_ERROR(Scores());
    CANDOR_RETURN_IF_ERROR(ScoreMetrics());
    CANDOR_RETURN_IF_ERROR(ScoreDomains());
    CANDOR_RETURN_IF_ERROR(TimeLost());
    out_.flush();
    return out_ ? absl::OkStatus() : absl::InternalError("the dump cannot be written");
  }

 private:
  // Calls `line` for each row. Every SELECT names the device first, as its id.
  template <typename Line>
  absl::Status Each(const char* table, const std::string& columns, const char* order,
                    const Line& line) {
    CANDOR_ASSIGN_OR_RETURN(
        Statement select, db_.Prepare("SELECT coalesce(device.device_id, '#' || t.device) AS id, " +
                                      columns + " FROM " + table +
                                      " AS t LEFT JOIN device ON device.no = t.device"
                                      " ORDER BY id, " +
                                      order));
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
      if (!row) return absl::OkStatus();
      if (!out_) return absl::InternalError("the dump cannot be written");
      line(select);
    }
  }

  std::ostream& Start(const char* what, const Statement& row) {
    return out_ << what << ' ' << row.Text(0) << ' ' << FormatDay(row.Int(1));
  }

  absl::Status Behind() {
    CANDOR_ASSIGN_OR_RETURN(const int64_t watermark, ReadWatermark(db_));
    CANDOR_ASSIGN_OR_RETURN(
        const int64_t rows,
        db_.QueryInt("SELECT count(*) FROM log WHERE id > " + std::to_string(watermark)));
    CANDOR_ASSIGN_OR_RETURN(const int64_t dirty, db_.QueryInt("SELECT count(*) FROM score_dirty"));
    if (rows > 0) out_ << "behind log " << rows << '\n';
    if (dirty > 0) out_ << "behind score " << dirty << '\n';
    return absl::OkStatus();
  }

  void FactLines(const Statement& row) {
    store::v1::FactSet set;
    const std::string_view bytes = row.BlobAt(2);
    if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      Start("day", row) << " unreadable " << ToHex(Sha256(bytes)) << '\n';
      return;
    }
    Start("day", row) << " observed_s";
    for (const uint64_t seconds : set.observed_s()) out_ << ' ' << seconds;
    out_ << " minutes";
    for (const uint64_t minutes : set.minutes()) out_ << ' ' << minutes;
    out_ << '\n';
    for (const store::v1::MetricFact& fact : set.metrics()) FactLine(row, fact);
  }

  void FactLine(const Statement& row, const store::v1::MetricFact& fact) {
    Start("fact", row) << ' ' << MetricName(fact.metric()) << ' ' << Quoted(fact.subject())
                       << " activity " << fact.activity() << " windows " << fact.windows();
    if (fact.has_distribution()) {
      const store::v1::Distribution& d = fact.distribution();
      out_ << " count " << d.count() << " sum " << d.sum() << " min " << d.min() << " max "
           << d.max() << " zero " << d.zero_count() << " scale " << d.scale() << " offset "
           << d.offset() << " buckets";
      for (const uint64_t n : d.buckets()) out_ << ' ' << n;
    } else {
      out_ << " sum " << fact.sum();
    }
    if (fact.last_epoch() != 0) {
      out_ << " at " << fact.last_wall_ms() << ' ' << fact.last_epoch() << ' ' << fact.last_seq();
    }
    out_ << '\n';
  }

  absl::Status DayFacts() {
    return Each("day_fact", "t.day, t.facts", "t.day", [&](const Statement& r) { FactLines(r); });
  }

  absl::Status HourFacts() {
    return Each("hour_fact", "t.hour / 24, t.hour % 24, t.facts", "t.hour",
                [&](const Statement& r) {
                  // How well it was compressed is no part of what a fold holds.
                  const auto bytes = Decompress(r.BlobAt(3), kFactBytesMax);
                  Start("hour", r)
                      << ' ' << r.Int(2) << ' '
                      << (bytes.ok() ? ToHex(Sha256(*bytes)) : std::string("unreadable")) << '\n';
                });
  }

  absl::Status Events() {
    return Each("event", "t.day, t.wall_ms, t.epoch, t.seq, t.ordinal, t.kind, t.event",
                "t.day, t.wall_ms, t.epoch, t.seq, t.ordinal", [&](const Statement& r) {
                  v1::Event event;
                  const std::string_view bytes = r.BlobAt(7);
                  const bool good =
                      event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
                  Start("event", r)
                      << ' ' << r.Int(2) << ' ' << static_cast<uint64_t>(r.Int(3)) << ' '
                      << r.Int(4) << ' ' << r.Int(5) << ' '
                      << EventName(static_cast<uint32_t>(r.Int(6))) << ' '
                      << (good ? event.ShortDebugString() : "unreadable " + ToHex(bytes)) << '\n';
                });
  }

  absl::Status Inventory() {
    return Each("inventory", "t.day, t.key, t.value, t.wall_ms, t.epoch, t.seq", "t.key",
                [&](const Statement& r) {
                  Start("inventory", r)
                      << ' ' << Quoted(r.Text(2)) << ' '
                      << (r.IsNull(3) ? std::string("removed") : Quoted(r.Text(3))) << " at "
                      << r.Int(4) << ' ' << static_cast<uint64_t>(r.Int(5)) << ' ' << r.Int(6)
                      << '\n';
                });
  }

  // By names, whose numbers hang on the order in which they came.
  absl::Status Software() {
    return Each("software",
                "t.day, (SELECT manager FROM software_name WHERE no = t.name) AS manager, "
                "(SELECT name FROM software_name WHERE no = t.name) AS title, "
                "(SELECT version FROM software_version WHERE no = t.version) AS text, "
                "t.wall_ms, t.epoch, t.seq",
                "manager, title", [&](const Statement& r) {
                  Start("software", r)
                      << ' ' << Quoted(r.Text(2)) << ' ' << Quoted(r.Text(3)) << ' '
                      << (r.IsNull(4) ? std::string("removed") : Quoted(r.Text(4))) << " at "
                      << r.Int(5) << ' ' << static_cast<uint64_t>(r.Int(6)) << ' ' << r.Int(7)
                      << '\n';
                });
  }

  absl::Status Unmeasured() {
    return Each("unmeasured", "t.day, t.items, t.wall_ms, t.epoch, t.seq", "t.day",
                [&](const Statement& r) {
                  v1::Unmeasured items;
                  const std::string_view bytes = r.BlobAt(2);
                  const bool good =
                      items.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
                  Start("unmeasured", r)
                      << " at " << r.Int(3) << ' ' << static_cast<uint64_t>(r.Int(4)) << ' '
                      << r.Int(5) << ' '
                      << (good ? items.ShortDebugString() : "unreadable " + ToHex(bytes)) << '\n';
                });
  }

  absl::Status TooLate() {
    return Each("too_late", "t.day, t.batches, t.windows, t.events", "t.day",
                [&](const Statement& r) {
                  Start("too_late", r) << " batches " << r.Int(2) << " windows " << r.Int(3)
                                       << " events " << r.Int(4) << '\n';
                });
  }

  absl::Status Scores() {
    return Each("score", "t.day, t.model, t.score, t.coverage, t.provisional, t.lost_min", "t.day",
                [&](const Statement& r) {
                  Start("score", r)
                      << ' ' << r.Text(2) << ' '
                      << (r.IsNull(3) ? std::string("none") : Real(r.Real(3))) << " coverage "
                      << Real(r.Real(4)) << (r.Int(5) != 0 ? " provisional" : "") << " lost_min "
                      << Real(r.Real(6)) << '\n';
                });
  }

  absl::Status ScoreMetrics() {
    return Each("score_metric", "t.day, t.metric, t.value, t.points, t.lost", "t.day, t.metric",
                [&](const Statement& r) {
                  Start("metric", r)
                      << ' ' << r.Text(2) << " value "
                      << (r.IsNull(3) ? std::string("failed") : Real(r.Real(3))) << " points "
                      << Real(r.Real(4)) << " lost " << Real(r.Real(5)) << '\n';
                });
  }

  absl::Status ScoreDomains() {
    return Each("score_domain", "t.day, t.domain, t.points", "t.day, t.domain",
                [&](const Statement& r) {
                  Start("domain", r) << ' ' << r.Text(2) << " points " << Real(r.Real(3)) << '\n';
                });
  }

  absl::Status TimeLost() {
    return Each("time_lost", "t.day, t.cause, t.minutes", "t.day, t.cause",
                [&](const Statement& r) {
                  Start("lost", r) << ' ' << r.Text(2) << " minutes " << Real(r.Real(3)) << '\n';
                });
  }

  Database& db_;
  std::ostream& out_;
};

}  // namespace

absl::Status Dump(Database& db, std::ostream& out) { return Dumper(db, out).Run(); }

}  // namespace candor
