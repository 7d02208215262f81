#include "collector/server/status_source.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

uint64_t FileBytes(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// Second number of /proc/self/statm: resident pages.
int64_t ResidentBytes() {
  const absl::StatusOr<std::string> statm = ReadFile("/proc/self/statm");
  long size = 0;
  long resident = 0;
  if (!statm.ok() || std::sscanf(statm->c_str(), "%ld %ld", &size, &resident) != 2) return 0;
  return static_cast<int64_t>(resident) * sysconf(_SC_PAGESIZE);
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

absl::StatusOr<std::unique_ptr<StatusSource>> StatusSource::Create(Parts parts) {
  CANDOR_ASSIGN_OR_RETURN(Database reader, parts.store.OpenReader());
  return std::unique_ptr<StatusSource>(new StatusSource(std::move(parts), std::move(reader)));
}

absl::StatusOr<CollectorGauges> StatusSource::Gauges() {
  CollectorGauges gauges;
  CANDOR_ASSIGN_OR_RETURN(gauges.log_head,
                          reader_.QueryInt("SELECT coalesce(max(id), 0) FROM log"));
  CANDOR_ASSIGN_OR_RETURN(const int64_t watermark,
                          reader_.QueryInt("SELECT coalesce(min(watermark), 0) FROM fold"));
  CANDOR_ASSIGN_OR_RETURN(gauges.fold_score_days_behind,
                          reader_.QueryInt("SELECT count(*) FROM score_dirty"));
  CANDOR_ASSIGN_OR_RETURN(gauges.losses, ReadLosses(reader_));
  gauges.fold_lag_rows = std::max<int64_t>(0, gauges.log_head - watermark);
  gauges.commits = parts_.writer.commits();
  gauges.writes_waiting = parts_.writer.pending();
  gauges.devices = parts_.devices();
  gauges.database_bytes = FileBytes(parts_.store.database_path());
  gauges.wal_bytes = FileBytes(parts_.store.database_path() + "-wal");
  gauges.started_ms = parts_.started_ms;
  gauges.resident_bytes = ResidentBytes();
  gauges.cpu_seconds = CpuSeconds();
  return gauges;
}

HttpPage StatusSource::Ready() {
  const absl::Status store = reader_.QueryInt("SELECT count(*) FROM meta").status();
  if (!store.ok()) return {503, "text/plain", absl::StrCat("store: ", store.message(), "\n")};
  const absl::Status commit = parts_.writer.last_commit();
  if (!commit.ok()) return {503, "text/plain", absl::StrCat("store: ", commit.message(), "\n")};
  const absl::Status folds = parts_.fold_error();
  if (!folds.ok()) return {503, "text/plain", absl::StrCat("folds: ", folds.message(), "\n")};
  return {200, "text/plain", "ready\n"};
}

HttpPage StatusSource::Page(const std::string& path) {
  if (path == "/healthz") return {200, "text/plain", "ok\n"};
  if (path == "/readyz") return Ready();
  if (path == "/metrics") {
    const absl::StatusOr<CollectorGauges> gauges = Gauges();
    if (!gauges.ok()) {
      return {503, "text/plain", absl::StrCat("store: ", gauges.status().message(), "\n")};
    }
    return {200, "text/plain; version=0.0.4; charset=utf-8", MetricsPage(parts_.ingest, *gauges)};
  }
  return {404, "text/plain", "there is /healthz, /readyz and /metrics\n"};
}

}  // namespace candor
