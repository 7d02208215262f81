#include "agent/daemon/status_report.h"

#include <set>
#include <string>

#include "agent/daemon/control_replies.h"
#include "agent/samplers/health/self_cost.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/version.h"

namespace candor {
namespace {

constexpr std::string_view kNotYet = "nothing measured yet";
constexpr std::string_view kNoneYet = "none so far";

}  // namespace

void ReportMeasured(const WindowSet& windows,
                    google::protobuf::RepeatedPtrField<v1::Status::Measured>* out) {
  std::set<uint32_t> told;
  for (const LatestValue& latest : windows.Latest()) {
    auto* line = out->Add();
    line->set_metric(latest.metric);
    line->set_subject(latest.subject);
    line->set_value(latest.value);
    line->set_wall_ms(latest.wall_ms);
    told.insert(latest.metric);
  }
  for (const auto& [number, wall_ms] : windows.latest_events()) {
    auto* line = out->Add();
    line->set_event(number);
    line->set_wall_ms(wall_ms);
    told.insert(number);
  }
  for (const auto& [key, reason] : windows.unmeasured().items()) {
    auto* line = out->Add();
    FindMetric(key.first) != nullptr ? line->set_metric(key.first) : line->set_event(key.first);
    line->set_subject(key.second);
    line->set_unmeasured(reason);
    told.insert(key.first);
  }
  for (const MetricEntry& metric : Metrics()) {
    if (told.contains(metric.number)) continue;
    auto* line = out->Add();
    line->set_metric(metric.number);
    line->set_unmeasured(std::string(kNotYet));
  }
  for (const EventEntry& event : Events()) {
    if (told.contains(event.number)) continue;
    auto* line = out->Add();
    line->set_event(event.number);
    line->set_unmeasured(std::string(kNoneYet));
  }
}

absl::Status ReportStatus(const ControlSources& sources, v1::Status& status) {
  CANDOR_ASSIGN_OR_RETURN(const SpoolPosition position, sources.spool.Position());
  const SpoolFigures figures = sources.spool.Figures();
  const PushStatus push = sources.pusher.status();
  status.set_version(std::string(kVersion));
  status.set_epoch(position.epoch);
  status.set_first_held(position.first_held);
  status.set_last_sealed(position.last_sealed);
  status.set_spool_bytes(figures.held_bytes + figures.pending_bytes);
  status.set_spool_bytes_max(static_cast<uint64_t>(sources.settings.spool_mib) << 20);
  status.set_dropped_batches(figures.dropped_batches);
  status.set_spool_failure(figures.failure);
  status.set_spool_in_memory(figures.in_memory);
  status.set_spool_lost(figures.lost_harvests);
  status.set_started_wall_ms(sources.started_wall_ms);
  status.set_last_push_wall_ms(push.last_wall_ms);
  status.set_last_push_outcome(push.last_outcome);
  status.set_device(push.device_id);
  status.set_collector(push.collector);
  status.set_next_push_wall_ms(push.next_wall_ms);
  if (const auto cost = ReadSelfCost(sources.roots.proc); cost.ok()) {
    status.set_cpu_us(static_cast<uint64_t>(cost->cpu_ms) * 1'000);
    status.set_rss_kib(static_cast<uint64_t>(cost->rss_kib));
  }
  ReportMeasured(sources.windows, status.mutable_measured());
  return absl::OkStatus();
}

}  // namespace candor
