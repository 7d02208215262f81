// What the simulated company consists of: departments, sites, laptop models, systems, applications,
// services. Data only. The names are made up; the four troubles are written here and nowhere else.
//
// Every list that laptops are dealt from has 20 slots, so that 20 laptops meet each entry as often
// as its slots say, and a fleet of any size comes close to it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace candor::loadgen {

inline constexpr uint32_t kSlots = 20;

struct Site {
  std::string_view name;
  int utc_offset_min;
  double rtt_ms;         // middle of a probe's round trip
  double dns_ms;         // middle of an uncached answer
  double loss;           // share of segments sent again
  double offline_share;  // share of minutes in which nothing answers though the link is up
};

struct Model {
  std::string_view name;
  double boot_s;          // middle, without the wait for a passphrase
  double io_stall_share;  // middle share of a minute stalled on the disk
  double ui_reply_ms;     // middle of a window's reply
  double disk_gib;
  bool battery;
};

struct System {
  std::string_view os;
  std::string_view kernel;
  std::string_view kernel_update;  // what some laptops move to in the middle of the time
};

struct Application {
  std::string_view program;
  std::string_view version;
  double crashes_per_day;
};

struct Trouble {
  std::string_view name;       // what it is, in plain words
  std::string_view command;    // the question that must show it
  std::string_view dimension;  // column of that answer
  std::string_view value;      // what its first row must say there
};

std::span<const std::string_view> Departments();
std::span<const Site> Sites();
std::span<const Model> Models();
std::span<const System> Systems();
std::span<const Application> Applications();
// Probed services, sorted by name.
std::span<const std::string_view> Services();
std::span<const Trouble> Troubles();

// Slots 0 to kSlots - 1 to an index into the list.
uint32_t DepartmentAt(uint32_t slot);
uint32_t SiteAt(uint32_t slot);
uint32_t ModelAt(uint32_t slot);
uint32_t SystemAt(uint32_t slot);

// Laptops with a slot below this run the version of kTroubledProgram that crashes.
inline constexpr uint32_t kTroubledVersionSlots = 6;
inline constexpr std::string_view kTroubledProgram = "tidemail";
inline constexpr std::string_view kTroubledVersion = "7.3.1";
inline constexpr std::string_view kSoundVersion = "7.2.4";
inline constexpr double kTroubledCrashesPerDay = 1.4;

}  // namespace candor::loadgen
