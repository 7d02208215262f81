#include "agent/samplers/health/self_cost.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr std::string_view kSubject = "daemon";

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

class SelfCostSampler final : public Sampler {
 public:
  explicit SelfCostSampler(const SamplerContext& context) : context_(context) {}

  std::string_view family() const override { return "agent"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    if (tick.minute_start || !last_) Read();
    co_return;
  }

 private:
  Recorder& recorder() { return context_.recorder; }

  void Read() {
    const auto cost = ReadSelfCost(context_.roots.proc);
    if (!cost.ok()) {
      for (const uint32_t what : kSelfCostMetrics) {
        recorder().Unmeasured(what, kSubject, MessageOf(cost.status()));
      }
      return;
    }
    recorder().Gauge(metric::kAgentMemory, kSubject, cost->rss_kib);
    // What was spent before the first reading belongs to the first minute.
    const SelfCost before = std::exchange(last_, *cost).value_or(SelfCost{.written_bytes = 0});
    CountGrowth(metric::kAgentCpu, before.cpu_ms, cost->cpu_ms);
    CountGrowth(metric::kAgentWakeups, before.switches, cost->switches);
    if (cost->written_bytes) {
      CountGrowth(metric::kAgentDiskWrites, before.written_bytes.value_or(*cost->written_bytes),
                  *cost->written_bytes);
    } else {
      recorder().Unmeasured(metric::kAgentDiskWrites, kSubject,
                            "the kernel does not account the daemon's own writes");
    }
  }

  void CountGrowth(uint32_t what, int64_t before, int64_t now) {
    recorder().Measured(what, kSubject);
    recorder().Count(what, kSubject, std::max<int64_t>(now - before, 0));
  }

  SamplerContext context_;
  std::optional<SelfCost> last_;
};

}  // namespace

std::optional<int64_t> ParseCpuTicks(std::string_view stat) {
  // The program's name, in brackets, may hold anything; utime and stime are fields 14 and 15, the
  // 12th and 13th behind it.
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + 2);
  constexpr int kUserField = 11;
  int64_t ticks = 0;
  for (int field = 0; field <= kUserField + 1; ++field) {
    const size_t end = std::min(stat.find(' '), stat.size());
    if (field >= kUserField) {
      const auto value = Number(stat.substr(0, end));
      if (!value) return std::nullopt;
      ticks += *value;
    }
    stat.remove_prefix(std::min(end + 1, stat.size()));
  }
  return ticks;
}

std::optional<int64_t> ParseField(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    line.remove_prefix(name.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return Number(line);
  }
  return std::nullopt;
}

std::unique_ptr<Sampler> MakeSelfCostSampler(const SamplerContext& context) {
  return std::make_unique<SelfCostSampler>(context);
}

}  // namespace candor
