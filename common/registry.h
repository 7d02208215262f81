// The registry: one entry for each metric and event kind Candor can measure. Documentation, the
// employee's view and validation come from here. A number is never used again; a changed meaning is
// a new number (proto/candor/v1/README.md; tests/unit/common/registry_test.cc holds it against
// proto/candor/v1/registry.lock).
//
// To add a metric: an entry here, its sampler, its test, a line in registry.lock.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace candor {

enum class MetricKind {
  kDistribution,  // a histogram of integer values
  kCounter,       // a sum over the minute
  kGauge,         // the last value in the minute
};

enum class Sensitivity {
  kTechnical,  // about the machine
  kBehaviour,  // could tell when or how a person works: never shown per device or person
  kPersonal,   // names a person or a host
};

// How important a batch is when a full spool must drop something; lowest goes first.
enum class BatchClass : uint32_t {
  kWindows = 1,  // dense measurements
  kEvents = 2,   // boots, crashes, inventory and the windows of the same minutes
};

struct MetricEntry {
  uint32_t number;
  std::string_view name;  // carries its unit
  std::string_view unit;  // unit of the name: ms, pct, GiB, s, 1
  MetricKind kind;
  uint32_t steps_per_unit;  // wire values are integers: value in unit × steps_per_unit
  std::string_view family;  // folder of the sampler
  bool active_only;         // only minutes in which a person was active count in day facts
  std::string_view source;  // what produces it
  std::string_view reason;  // why it is collected, in plain words
  Sensitivity sensitivity;
};

struct EventEntry {
  uint32_t number;  // field number in candor.v1.Event.what
  std::string_view name;
  std::string_view family;
  std::string_view source;
  std::string_view reason;
  Sensitivity sensitivity;
};

// Numbers by name, so that code never spells a number.
namespace metric {
// network
constexpr uint32_t kRtt = 101;
constexpr uint32_t kDns = 102;
constexpr uint32_t kTls = 103;
constexpr uint32_t kFirstByte = 104;
constexpr uint32_t kSegmentsSent = 105;
constexpr uint32_t kSegmentsRetransmitted = 106;
constexpr uint32_t kPassiveRtt = 107;
constexpr uint32_t kProbes = 108;
constexpr uint32_t kProbeFailures = 109;
constexpr uint32_t kOfflineSeconds = 110;
constexpr uint32_t kOnlineSeconds = 111;
constexpr uint32_t kNoLinkSeconds = 112;
constexpr uint32_t kGatewayRtt = 113;
constexpr uint32_t kServicePing = 114;
constexpr uint32_t kOfflineCauseSeconds = 115;
constexpr uint32_t kRttIpv4 = 116;
constexpr uint32_t kRttIpv6 = 117;
constexpr uint32_t kProbesIpv4 = 118;
constexpr uint32_t kProbeFailuresIpv4 = 119;
constexpr uint32_t kProbesIpv6 = 120;
constexpr uint32_t kProbeFailuresIpv6 = 121;
constexpr uint32_t kWifiSignal = 122;
constexpr uint32_t kWifiRate = 123;
constexpr uint32_t kWifiFramesSent = 124;
constexpr uint32_t kWifiFramesRetried = 125;
constexpr uint32_t kWifiFramesFailed = 126;
constexpr uint32_t kWifiBeaconsLost = 127;
constexpr uint32_t kWifiDrops = 128;
constexpr uint32_t kWifiRoams = 129;
constexpr uint32_t kClassRtt = 130;
constexpr uint32_t kClassOnlineSeconds = 131;
constexpr uint32_t kClassOfflineSeconds = 132;
// responsiveness
constexpr uint32_t kCpuStall = 201;
constexpr uint32_t kMemoryStall = 202;
constexpr uint32_t kIoStall = 203;
constexpr uint32_t kAppCpuStall = 204;
constexpr uint32_t kAppMemoryStall = 205;
constexpr uint32_t kAppIoStall = 206;
constexpr uint32_t kUiReply = 210;
constexpr uint32_t kHangSeconds = 211;
constexpr uint32_t kLaunch = 212;
// health
constexpr uint32_t kDiskFree = 301;
constexpr uint32_t kBatteryHealth = 302;
constexpr uint32_t kThrottled = 303;
constexpr uint32_t kMemoryAvailable = 304;
constexpr uint32_t kDiskRead = 305;
constexpr uint32_t kDiskWrite = 306;
constexpr uint32_t kDiskWear = 307;
constexpr uint32_t kSecurityUpdates = 308;
constexpr uint32_t kSecurityUpdatesAge = 309;
constexpr uint32_t kPackagesAge = 310;
constexpr uint32_t kRebootRequired = 311;
constexpr uint32_t kUptime = 312;
// the agent's own cost
constexpr uint32_t kAgentCpu = 401;
constexpr uint32_t kAgentMemory = 402;
constexpr uint32_t kAgentWakeups = 403;
constexpr uint32_t kAgentBytesSent = 404;
constexpr uint32_t kAgentDiskWrites = 405;
// how long each source of counts was watched
constexpr uint32_t kWatched = 501;
}  // namespace metric

namespace event {
constexpr uint32_t kBoot = 10;
constexpr uint32_t kCrash = 11;
constexpr uint32_t kUnitFailure = 12;
constexpr uint32_t kSystemFailure = 13;
constexpr uint32_t kHang = 14;
constexpr uint32_t kSignIn = 15;
constexpr uint32_t kResume = 16;
constexpr uint32_t kInventory = 17;
constexpr uint32_t kUnmeasured = 18;
constexpr uint32_t kLinkChange = 19;
constexpr uint32_t kAgentNotice = 20;
constexpr uint32_t kSoftwareChange = 21;
}  // namespace event

// Subjects of metric::kWatched: the sources without which a count is unmeasured, not zero.
namespace watch {
constexpr std::string_view kJournal = "journal";      // system_failures
constexpr std::string_view kCoredumps = "coredumps";  // app_crashes
constexpr std::string_view kTcp = "tcp";              // loss_pct
constexpr std::string_view kProbes = "probes";        // offline_pct
constexpr std::string_view kPressure = "pressure";    // stall_pct, cpu_wait_pct
constexpr std::string_view kThrottle = "throttle";    // throttle_pct
constexpr std::string_view kWindows = "windows";      // app_hangs, hang_pct
constexpr std::string_view kWifi = "wifi";            // wifi_drops, wifi_roams
}  // namespace watch

// Subjects of metric::kOfflineCauseSeconds.
namespace offline_cause {
constexpr std::string_view kGateway = "gateway";
constexpr std::string_view kNoRoute = "no_route";
constexpr std::string_view kPortal = "portal";
constexpr std::string_view kDnsSilent = "dns_silent";
constexpr std::string_view kDnsError = "dns_error";
constexpr std::string_view kRefused = "refused";
constexpr std::string_view kNoAnswer = "no_answer";
}  // namespace offline_cause

// All entries, by number ascending.
std::span<const MetricEntry> Metrics();
std::span<const EventEntry> Events();

// Null when there is no such entry.
const MetricEntry* FindMetric(uint32_t number);
const MetricEntry* FindMetric(std::string_view name);
const EventEntry* FindEvent(uint32_t number);

std::string_view KindName(MetricKind kind);
std::string_view SensitivityName(Sensitivity sensitivity);

}  // namespace candor
