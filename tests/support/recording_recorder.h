// A Recorder that keeps what a sampler tells it, and the loop that runs one sample to its end.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/samplers/sampler.h"
#include "candor/v1/envelope.pb.h"

namespace candor::testing {

class RecordingRecorder final : public Recorder {
 public:
  using Key = std::pair<uint32_t, std::string>;  // metric and subject
  struct KeptEvent {
    v1::Event event;
    std::string boot_id;
    bool urgent = false;
  };

  void Record(uint32_t metric, std::string_view subject, int64_t value) override {
    recorded[{metric, std::string(subject)}].push_back(value);
  }
  void Count(uint32_t metric, std::string_view subject, int64_t increment) override {
    counted[{metric, std::string(subject)}] += increment;
  }
  void Gauge(uint32_t metric, std::string_view subject, int64_t value) override {
    gauges[{metric, std::string(subject)}] = value;
  }
  void Watched(std::string_view source, int64_t ms) override { watched[std::string(source)] += ms; }
  void Event(v1::Event event, std::string_view boot_id, bool urgent) override {
    events.push_back({std::move(event), std::string(boot_id), urgent});
  }
  void SetCursor(std::string_view name, std::string_view value) override {
    cursors[std::string(name)] = std::string(value);
  }
  void Activity(ActivityState state) override { activity.push_back(state); }
  void Unmeasured(uint32_t metric_or_event, std::string_view subject,
                  std::string_view reason) override {
    unmeasured[{metric_or_event, std::string(subject)}] = std::string(reason);
  }
  void Measured(uint32_t metric_or_event, std::string_view subject) override {
    unmeasured.erase({metric_or_event, std::string(subject)});
  }

  std::map<Key, std::vector<int64_t>> recorded;
  std::map<Key, int64_t> counted;
  std::map<Key, int64_t> gauges;
  std::map<std::string, int64_t> watched;
  std::vector<KeptEvent> events;
  std::map<std::string, std::string> cursors;
  std::vector<ActivityState> activity;
  std::map<Key, std::string> unmeasured;
};

// Runs `sampler` once on `io` until it is done.
inline void RunSample(boost::asio::io_context& io, Sampler& sampler, Tick tick) {
  boost::asio::co_spawn(io, sampler.Sample(tick), boost::asio::detached);
  io.restart();
  io.run();
}

}  // namespace candor::testing
