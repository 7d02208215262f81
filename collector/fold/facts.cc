#include "collector/fold/facts.h"

#include <algorithm>
#include <utility>

#include "collector/fold/fact_view.h"
#include "collector/store/facts.pb.h"
#include "common/status.h"

namespace candor {
namespace {

void FillDistribution(const Histogram& histogram, store::v1::Distribution& out) {
  out.set_count(histogram.count());
  out.set_sum(histogram.sum());
  out.set_min(histogram.min());
  out.set_max(histogram.max());
  out.set_zero_count(histogram.zero_count());
  out.set_scale(histogram.scale());
  out.set_offset(histogram.offset());
  out.mutable_buckets()->Add(histogram.buckets().begin(), histogram.buckets().end());
}

}  // namespace

void FactAccumulator::AddMinute(const Minute& minute) {
  const size_t at = static_cast<size_t>(minute.activity) % kActivityStates;
  observed_s_[at] += minute.observed_s;
  ++minutes_[at];
}

void FactAccumulator::AddWindow(const MetricEntry& metric, std::string_view subject,
                                ActivityState activity, int64_t sum, const Histogram& histogram,
                                const Stamp& stamp) {
  const uint32_t kept = metric.active_only ? static_cast<uint32_t>(activity) : 0;
  const KeyView key{metric.number, subject, kept};
  auto at = facts_.lower_bound(key);
  if (at == facts_.end() || KeyLess()(key, at->first)) {
    at = facts_.emplace_hint(at, Key{metric.number, std::string(subject), kept}, Fact());
  }
  Fact& fact = at->second;
  ++fact.windows;
  switch (metric.kind) {
    case MetricKind::kDistribution:
      fact.histogram.Merge(histogram);
      break;
    case MetricKind::kCounter:
      fact.sum = AddWrapping(fact.sum, sum);
      break;
    case MetricKind::kGauge:
      if (stamp >= fact.last) {
        fact.last = stamp;
        fact.sum = sum;
      }
      break;
  }
}

void FactAccumulator::MergeInto(const Fact& from, Fact& to) {
  to.windows += from.windows;
  if (from.gauge() || to.gauge()) {
    if (from.last > to.last) {
      to.last = from.last;
      to.sum = from.sum;
    }
    return;
  }
  to.sum = AddWrapping(to.sum, from.sum);
  to.histogram.Merge(from.histogram);
}

void FactAccumulator::Merge(const FactAccumulator& other) {
  for (size_t i = 0; i < kActivityStates; ++i) {
    observed_s_[i] += other.observed_s_[i];
    minutes_[i] += other.minutes_[i];
  }
  auto hint = facts_.begin();
  for (const auto& [key, fact] : other.facts_) {
    hint = facts_.try_emplace(hint, key);
    MergeInto(fact, hint->second);
  }
}

void FactAccumulator::FillFrom(const store::v1::FactSet& set) {
  for (size_t i = 0; i < kActivityStates; ++i) {
    const int at = static_cast<int>(i);
    if (at < set.observed_s_size()) observed_s_[i] = set.observed_s(at);
    if (at < set.minutes_size()) minutes_[i] = set.minutes(at);
  }
}

absl::StatusOr<FactAccumulator> FactAccumulator::Parse(std::string_view bytes) {
  store::v1::FactSet scratch;
  return Parse(bytes, scratch);
}

absl::StatusOr<FactAccumulator> FactAccumulator::Parse(std::string_view bytes,
                                                       store::v1::FactSet& scratch) {
  store::v1::FactSet& set = scratch;
  if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("stored facts are not a FactSet message");
  }
  FactAccumulator facts;
  facts.FillFrom(set);
  for (const store::v1::MetricFact& in : set.metrics()) {
    Fact fact;
    fact.windows = in.windows();
    fact.sum = in.sum();
    fact.last = {in.last_wall_ms(), in.last_epoch(), in.last_seq()};
    if (in.has_distribution()) {
      CANDOR_ASSIGN_OR_RETURN(fact.histogram, DecodeDistribution(in.distribution()));
    }
    facts.facts_.emplace_hint(facts.facts_.end(), Key{in.metric(), in.subject(), in.activity()},
                              std::move(fact));
  }
  return facts;
}

void FactAccumulator::Trim() {
  if (facts_.size() <= kSubjectsMax) return;
  size_t subjects = 0;
  const Key* before = nullptr;
  for (auto at = facts_.begin(); at != facts_.end();) {
    const Key& key = at->first;
    const bool same_metric = before != nullptr && before->metric == key.metric;
    if (!same_metric) subjects = 0;
    if (!same_metric || before->subject != key.subject) ++subjects;
    if (subjects > kSubjectsMax) {
      at = facts_.erase(at);
      continue;
    }
    before = &key;
    ++at;
  }
}

std::string FactAccumulator::Serialize() {
  store::v1::FactSet scratch;
  return Serialize(scratch);
}

std::string FactAccumulator::Serialize(store::v1::FactSet& scratch) {
  Trim();
  store::v1::FactSet& set = scratch;
  set.Clear();
  for (size_t i = 0; i < kActivityStates; ++i) {
    set.add_observed_s(observed_s_[i]);
    set.add_minutes(minutes_[i]);
  }
  set.mutable_metrics()->Reserve(static_cast<int>(facts_.size()));
  for (const auto& [key, fact] : facts_) {
    store::v1::MetricFact& out = *set.add_metrics();
    out.set_metric(key.metric);
    out.set_subject(key.subject);
    out.set_activity(key.activity);
    out.set_windows(fact.windows);
    out.set_sum(fact.sum);
    if (!fact.histogram.empty()) FillDistribution(fact.histogram, *out.mutable_distribution());
    if (!fact.gauge()) continue;
    out.set_last_wall_ms(fact.last.wall_ms);
    out.set_last_epoch(fact.last.epoch);
    out.set_last_seq(fact.last.seq);
  }
  return set.SerializeAsString();
}

}  // namespace candor
