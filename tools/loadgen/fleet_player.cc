#include "tools/loadgen/fleet_player.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <queue>
#include <thread>
#include <utility>

#include "common/status.h"
#include "common/time_units.h"
#include "tools/loadgen/draw.h"

namespace candor::loadgen {
namespace {

constexpr uint64_t kOrderPurpose = 4;

std::vector<uint32_t> EveryLaptop(const FleetPlan& plan) {
  std::vector<uint32_t> laptops(plan.devices);
  std::iota(laptops.begin(), laptops.end(), 0U);
  return laptops;
}

void Shuffle(std::vector<uint32_t>& laptops, uint64_t seed) {
  SeededRandom random(MixSeed(seed, 0, 0, kOrderPurpose));
  for (size_t i = laptops.size(); i > 1; --i) {
    std::swap(laptops[i - 1], laptops[static_cast<size_t>(random.Below(i))]);
  }
}

}  // namespace

FleetPlayer::FleetPlayer(const FleetPlan& plan, const PlayOptions& options, const Clock& clock,
                         Random& random, Truth* truth, ProgressFn progress)
    : plan_(plan),
      options_(options),
      clock_(clock),
      random_(random),
      truth_(truth),
      progress_(std::move(progress)) {}

absl::Status FleetPlayer::Run(const EnrollmentTarget& target) {
  CANDOR_RETURN_IF_ERROR(Enroll(target));
  if (options_.enroll_only) return absl::OkStatus();
  return options_.speed > 0 ? PlayPaced() : PlayAtOnce();
}

absl::Status FleetPlayer::Enroll(const EnrollmentTarget& target) {
  seats_.clear();
  seats_.resize(plan_.devices);
  Enroller enroller(target, random_, clock_);
  for (uint32_t i = 0; i < plan_.devices; ++i) {
    CANDOR_ASSIGN_OR_RETURN(seats_[i].credential, enroller.Identify(MakeProfile(plan_, i)));
    progress_("enrolling", i + 1, plan_.devices);
  }
  return absl::OkStatus();
}

LaptopPlayer& FleetPlayer::Laptop(uint32_t index) {
  Seat& seat = seats_[index];
  if (seat.player == nullptr) {
    seat.player =
        std::make_unique<LaptopPlayer>(plan_, index, seat.credential, options_.manners, clock_,
                                       traffic_, truth_ == nullptr ? nullptr : &seat.figures);
  }
  return *seat.player;
}

void FleetPlayer::Done(uint32_t index) {
  Seat& seat = seats_[index];
  if (truth_ != nullptr) truth_->Add(seat.player->profile(), seat.figures);
  seat.figures = Figures();
  seat.player.reset();
}

absl::Status FleetPlayer::InParallel(std::string_view doing, std::vector<uint32_t> laptops,
                                     const std::function<absl::Status(uint32_t)>& work) {
  std::mutex mutex;
  size_t next = 0, done = 0;
  absl::Status first_error;
  const auto loop = [&] {
    std::unique_lock lock(mutex);
    while (next < laptops.size() && first_error.ok()) {
      const uint32_t laptop = laptops[next++];
      lock.unlock();
      absl::Status status = work(laptop);
      lock.lock();
      if (status.ok()) {
        progress_(doing, ++done, laptops.size());
      } else if (first_error.ok()) {
        first_error = std::move(status);
        traffic_.stop = true;
      }
    }
  };
  std::vector<std::thread> threads;
  const size_t count = std::min<size_t>(std::max(options_.parallel, 1U), laptops.size());
  for (size_t i = 0; i < count; ++i) threads.emplace_back(loop);
  for (std::thread& thread : threads) thread.join();
  return first_error;
}

absl::Status FleetPlayer::PlayAtOnce() {
  std::vector<uint32_t> laptops = EveryLaptop(plan_);
  Shuffle(laptops, plan_.seed);
  std::vector<uint32_t> late;
  for (const uint32_t i : laptops) {
    if (MakeProfile(plan_, i).late_from >= 0) late.push_back(i);
  }
  const auto play = [this](uint32_t i) {
    LaptopPlayer& laptop = Laptop(i);
    const bool comes_late = laptop.profile().late_from >= 0;
    absl::Status status = laptop.Play({.before_late = comes_late});
    if (status.ok() && !comes_late) Done(i);
    return status;
  };
  const auto play_late = [this](uint32_t i) {
    absl::Status status = Laptop(i).Play({});
    if (status.ok()) Done(i);
    return status;
  };
  const auto repeat = [this](uint32_t i) {
    absl::Status status = Laptop(i).Repeat();
    Done(i);
    return status;
  };
  CANDOR_RETURN_IF_ERROR(InParallel("playing", laptops, play));
  CANDOR_RETURN_IF_ERROR(InParallel("late laptops", std::move(late), play_late));
  if (!options_.manners.twice) return absl::OkStatus();
  std::reverse(laptops.begin(), laptops.end());
  truth_ = nullptr;  // everything was told the first time
  return InParallel("once more", std::move(laptops), repeat);
}

// Every laptop pushes when its next batch is due; each push is a stream of its own, as in life.
absl::Status FleetPlayer::PlayPaced() {
  const int64_t played_start_ms = (plan_.first_day()) * kMsPerDay;
  const int64_t real_start_ms = clock_.MonotonicMs();
  const auto real_ms = [&](int64_t played_ms) {
    return real_start_ms +
           static_cast<int64_t>(static_cast<double>(played_ms - played_start_ms) / options_.speed);
  };
  using Due = std::pair<int64_t, uint32_t>;  // played time, laptop
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  std::mutex mutex;
  for (uint32_t i = 0; i < plan_.devices; ++i) {
    if (const auto at_ms = Laptop(i).NextSendMs()) due.emplace(*at_ms, i);
  }
  uint64_t done = plan_.devices - due.size();
  const auto loop = [&](uint32_t) -> absl::Status {
    std::unique_lock lock(mutex);
    while (!due.empty() && !traffic_.stop) {
      const auto [played_ms, laptop] = due.top();
      due.pop();
      lock.unlock();
      while (!traffic_.stop && clock_.MonotonicMs() < real_ms(played_ms)) {
        const int64_t left_ms = real_ms(played_ms) - clock_.MonotonicMs();
        std::this_thread::sleep_for(
            std::chrono::milliseconds(std::clamp<int64_t>(left_ms, 1, 100)));
      }
      CANDOR_RETURN_IF_ERROR(Laptop(laptop).Play({.send_until_ms = played_ms}));
      const auto next_ms = Laptop(laptop).NextSendMs();
      if (!next_ms) Done(laptop);
      lock.lock();
      if (next_ms) {
        due.emplace(*next_ms, laptop);
      } else {
        progress_("playing", ++done, plan_.devices);
      }
    }
    return absl::OkStatus();
  };
  // One long piece of work a stream.
  std::vector<uint32_t> workers(std::min(options_.parallel, plan_.devices));
  return InParallel("playing", std::move(workers), loop);
}

}  // namespace candor::loadgen
