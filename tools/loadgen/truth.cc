#include "tools/loadgen/truth.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/registry.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tools/loadgen/catalogue.h"

namespace candor::loadgen {
namespace {

using nlohmann::json;

json QuantilesJson(const Figures& figures) {
  json quantiles = json::object();
  for (size_t i = 0; i < kTruthMetrics.size(); ++i) {
    const MetricEntry& entry = *FindMetric(kTruthMetrics[i].metric);
    const GridCounts& values = figures.values[i];
    json one = {{"count", values.count()}};
    for (const auto& [name, q] : {std::pair("p50", 0.50), {"p75", 0.75}, {"p99", 0.99}}) {
      if (values.count() == 0) continue;
      one[name] =
          static_cast<double>(values.Quantile(q) * kTruthMetrics[i].grid) / entry.steps_per_unit;
    }
    quantiles[std::string(entry.name)] = one;
  }
  return quantiles;
}

template <typename Value>
json ByMetric(const std::map<uint32_t, Value>& figures) {
  json object = json::object();
  for (const auto& [metric, value] : figures) {
    object[std::string(FindMetric(metric)->name)] = value;
  }
  return object;
}

json BootsJson(std::vector<uint64_t> boots_us) {
  json boots = {{"count", boots_us.size()}};
  if (boots_us.empty()) return boots;
  std::sort(boots_us.begin(), boots_us.end());
  const size_t n = boots_us.size();
  const double median =
      (static_cast<double>(boots_us[(n - 1) / 2]) + static_cast<double>(boots_us[n / 2])) / 2;
  boots["median_s"] = median / kUsPerSecond;
  boots["max_s"] = static_cast<double>(boots_us.back()) / kUsPerSecond;
  return boots;
}

json FiguresJson(const Figures& figures) {
  json events = json::object();
  for (const auto& [kind, count] : figures.events) {
    events[std::string(FindEvent(kind)->name)] = count;
  }
  json crashes = json::array();
  for (const auto& [what, count] : figures.crashes) {
    crashes.push_back({{"program", what.first}, {"version", what.second}, {"count", count}});
  }
  return {{"devices", figures.devices},
          {"device_days", figures.device_days},
          {"minutes", figures.minutes},
          {"active_minutes", figures.active_minutes},
          {"batches", figures.batches},
          {"windows", ByMetric(figures.windows)},
          {"sums", ByMetric(figures.sums)},
          {"active_sums", ByMetric(figures.active_sums)},
          {"events", events},
          {"crashes", crashes},
          {"owned_crashes", figures.owned_crashes},
          {"scored_boots", BootsJson(figures.boots_us)},
          {"quantiles", QuantilesJson(figures)}};
}

json DescribeDevice(const DeviceProfile& profile) {
  json labels = json::object();
  for (const auto& [key, value] : ProfileLabels(profile)) labels[key] = value;
  return {{"labels", labels},
          {"model", Models()[profile.model].name},
          {"os", Systems()[profile.system].os},
          {"windows_answer", profile.windows_answer},
          {"session_seen", profile.session_seen}};
}

void CountEvent(const v1::Event& event, Figures& figures) {
  ++figures.events[static_cast<uint32_t>(event.what_case())];
  if (event.has_crash()) {
    const uint64_t count = 1 + uint64_t{event.crash().repeats()};
    figures.crashes[{event.crash().program(), event.crash().version()}] += count;
    if (event.crash().owned()) figures.owned_crashes += count;
  }
  if (event.has_boot_done() && !event.boot_done().installed_updates()) {
    figures.boots_us.push_back(event.boot_done().total_us() - event.boot_done().passphrase_us());
  }
}

}  // namespace

void GridCounts::Add(int64_t step, uint32_t times) {
  const auto at = static_cast<size_t>(std::max<int64_t>(step, 0));
  if (at >= counts_.size()) counts_.resize(at + 1, 0);
  counts_[at] += times;
  count_ += times;
}

void GridCounts::Merge(const GridCounts& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size(), 0);
  for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
}

int64_t GridCounts::Quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = std::clamp<uint64_t>(
      static_cast<uint64_t>(std::ceil(q * static_cast<double>(count_))), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return static_cast<int64_t>(i);
  }
  return 0;
}

void Figures::AddDay(const LaptopDay& day) {
  ++device_days;
  for (const MinuteWindows& minute : day.minutes) {
    const bool active = minute.minute.activity != ActivityState::kInactive;
    ++minutes;
    active_minutes += active ? 1 : 0;
    for (const Window& window : minute.windows) {
      ++windows[window.metric];
      if (FindMetric(window.metric)->kind != MetricKind::kCounter) continue;
      sums[window.metric] += window.sum;
      if (active) active_sums[window.metric] += window.sum;
    }
  }
  for (const LaptopEvent& happened : day.events) CountEvent(happened.event, *this);
  for (size_t i = 0; i < kTruthMetrics.size(); ++i) {
    for (const int64_t value : day.active_values[i]) values[i].Add(value / kTruthMetrics[i].grid);
  }
}

void Figures::Merge(const Figures& other) {
  devices += other.devices;
  device_days += other.device_days;
  minutes += other.minutes;
  active_minutes += other.active_minutes;
  batches += other.batches;
  owned_crashes += other.owned_crashes;
  for (const auto& [metric, count] : other.windows) windows[metric] += count;
  for (const auto& [metric, sum] : other.sums) sums[metric] += sum;
  for (const auto& [metric, sum] : other.active_sums) active_sums[metric] += sum;
  for (const auto& [kind, count] : other.events) events[kind] += count;
  for (const auto& [what, count] : other.crashes) crashes[what] += count;
  boots_us.insert(boots_us.end(), other.boots_us.begin(), other.boots_us.end());
  for (size_t i = 0; i < values.size(); ++i) values[i].Merge(other.values[i]);
}

void Truth::Add(const DeviceProfile& profile, const Figures& figures) {
  json device = DescribeDevice(profile);
  device["figures"] = FiguresJson(figures);
  const std::lock_guard lock(mutex_);
  devices_[profile.host] = device.dump();
  fleet_.Merge(figures);
  for (const auto& [key, value] : ProfileLabels(profile)) groups_[key][value].Merge(figures);
  groups_["model"][std::string(Models()[profile.model].name)].Merge(figures);
  groups_["os"][std::string(Systems()[profile.system].os)].Merge(figures);
}

std::string Truth::Json() const {
  const std::lock_guard lock(mutex_);
  json document = {{"schema", "candor-truth/1"},
                   {"seed", plan_.seed},
                   {"devices", plan_.devices},
                   {"days", plan_.days},
                   {"first_day", FormatDay(plan_.first_day())},
                   {"end_day", FormatDay(plan_.end_day)},
                   {"fleet", FiguresJson(fleet_)}};
  for (const auto& [dimension, values] : groups_) {
    for (const auto& [value, figures] : values) {
      document["groups"][dimension][value] = FiguresJson(figures);
    }
  }
  for (const auto& [host, text] : devices_) document["device"][host] = json::parse(text);
  document["troubles"] = json::array();
  for (const Trouble& trouble : Troubles()) {
    document["troubles"].push_back({{"name", trouble.name},
                                    {"command", trouble.command},
                                    {"dimension", trouble.dimension},
                                    {"value", trouble.value}});
  }
  return document.dump(1) + "\n";
}

}  // namespace candor::loadgen
