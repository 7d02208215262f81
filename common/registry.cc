#include "common/registry.h"

#include <algorithm>
#include <array>

namespace candor {
namespace {

constexpr auto kDist = MetricKind::kDistribution;
constexpr auto kCount = MetricKind::kCounter;
constexpr auto kLast = MetricKind::kGauge;
constexpr auto kTech = Sensitivity::kTechnical;
constexpr auto kBehav = Sensitivity::kBehaviour;

// number, name, unit, kind, steps per unit, family, active only, source, reason, sensitivity
constexpr auto kMetrics = std::to_array<MetricEntry>({
    {metric::kRtt, "rtt_ms", "ms", kDist, 1000, "network", true,
     "TCP connect to each configured service: SYN to SYN-ACK",
     "how far away the services people work with feel", kTech},
    {metric::kDns, "dns_ms", "ms", kDist, 1000, "network", true,
     "uncached answers of the configured resolvers for each configured service",
     "slow name resolution delays every first contact", kTech},
    {metric::kTls, "tls_ms", "ms", kDist, 1000, "network", true,
     "TLS handshake with each configured service, by the uplink",
     "tells a slow server or inspection box from a slow line", kTech},
    {metric::kFirstByte, "first_byte_ms", "ms", kDist, 1000, "network", true,
     "first byte of an HTTP answer from each configured service, by the uplink",
     "tells a slow service from a slow network", kTech},
    {metric::kSegmentsSent, "tcp_segments_sent", "1", kCount, 1, "network", true,
     "inet_diag, summed over the machine's connections; destinations are never kept",
     "the denominator of packet loss", kTech},
    {metric::kSegmentsRetransmitted, "tcp_segments_retransmitted", "1", kCount, 1, "network", true,
     "inet_diag, summed over the machine's connections; destinations are never kept",
     "packet loss makes calls stutter and pages hang", kTech},
    {metric::kPassiveRtt, "passive_rtt_ms", "ms", kDist, 1000, "network", true,
     "inet_diag smoothed round-trip times of the machine's connections; shown, not scored",
     "the round trips that real work saw", kTech},
    {metric::kProbes, "probes", "1", kCount, 1, "network", false,
     "probes of each configured service", "the denominator of reachability", kTech},
    {metric::kProbeFailures, "probe_failures", "1", kCount, 1, "network", false,
     "probes of each configured service that got no answer", "which service could not be reached",
     kTech},
    {metric::kOfflineSeconds, "offline_s", "s", kCount, 1, "network", true,
     "time with a link up in which no configured service answered",
     "a network that is there and does not work", kTech},
    {metric::kOnlineSeconds, "online_s", "s", kCount, 1, "network", true,
     "time in which a configured service answered", "the denominator of being offline", kTech},
    {metric::kNoLinkSeconds, "no_link_s", "s", kCount, 1, "network", true,
     "time without any link; shown, not scored", "a flight is not a fault", kTech},
    {metric::kGatewayRtt, "gateway_rtt_ms", "ms", kDist, 1000, "network", true,
     "ICMP echo to the default gateway, where the system allows it",
     "tells trouble in the room from trouble beyond it", kTech},
    {metric::kServicePing, "service_ping_ms", "ms", kDist, 1000, "network", true,
     "ICMP echo to configured services that ask for it, where the system allows it",
     "round trips without a connection", kTech},
    {metric::kOfflineCauseSeconds, "offline_cause_s", "s", kCount, 1, "network", true,
     "the seconds of offline_s by what the probes ran into: gateway, no_route, portal, dns_silent, "
     "dns_error, refused, no_answer",
     "whom to call: the room, the provider, or who runs the service", kTech},
    {metric::kRttIpv4, "rtt_ipv4_ms", "ms", kDist, 1000, "network", true,
     "TCP connect over IPv4 to each configured service that has both IPv4 and IPv6",
     "the measure of IPv6", kTech},
    {metric::kRttIpv6, "rtt_ipv6_ms", "ms", kDist, 1000, "network", true,
     "TCP connect over IPv6 to each configured service that has both IPv4 and IPv6",
     "a detour over IPv6 slows every first contact", kTech},
    {metric::kProbesIpv4, "probes_ipv4", "1", kCount, 1, "network", false,
     "connects over IPv4 to services that have both, where the laptop has a way",
     "the denominator of broken IPv4", kTech},
    {metric::kProbeFailuresIpv4, "probe_failures_ipv4", "1", kCount, 1, "network", false,
     "those of them that got no answer", "broken IPv4 behind IPv6 that works", kTech},
    {metric::kProbesIpv6, "probes_ipv6", "1", kCount, 1, "network", false,
     "connects over IPv6 to services that have both, where the laptop has a way",
     "the denominator of broken IPv6", kTech},
    {metric::kProbeFailuresIpv6, "probe_failures_ipv6", "1", kCount, 1, "network", false,
     "those of them that got no answer",
     "broken IPv6 hides behind IPv4 and makes every first contact wait", kTech},
    {metric::kWifiSignal, "wifi_signal_minus_dbm", "-dBm", kDist, 1, "network", true,
     "nl80211: how strong the access point is heard; 67 is -67 dBm, and more is weaker",
     "a weak radio makes everything slow", kTech},
    {metric::kWifiRate, "wifi_rate_mbit", "Mbit/s", kDist, 10, "network", true,
     "nl80211: the rate of sending that radio and access point agreed on",
     "old or far access points", kTech},
    {metric::kWifiFramesSent, "wifi_frames_sent", "1", kCount, 1, "network", true,
     "nl80211: frames to the access point", "the denominator of failed frames", kTech},
    {metric::kWifiFramesRetried, "wifi_frames_retried", "1", kCount, 1, "network", true,
     "nl80211: frames sent again", "a disturbed or crowded channel", kTech},
    {metric::kWifiFramesFailed, "wifi_frames_failed", "1", kCount, 1, "network", true,
     "nl80211: frames given up", "loss in the air, before any line", kTech},
    {metric::kWifiBeaconsLost, "wifi_beacons_lost", "1", kCount, 1, "network", true,
     "nl80211: times the access point's beacon was missed", "an access point at the edge", kTech},
    {metric::kWifiDrops, "wifi_drops", "1", kCount, 1, "network", true,
     "connections to the access point that were lost while the Wi-Fi was on",
     "Wi-Fi that comes and goes", kTech},
    {metric::kWifiRoams, "wifi_roams", "1", kCount, 1, "network", true,
     "changes to another access point; neither its address nor the network's name is kept",
     "access points between which laptops cannot decide", kBehav},
    {metric::kClassRtt, "class_rtt_ms", "ms", kDist, 1000, "network", true,
     "rtt_ms once more by kind of network (office, home, other) and whether a VPN carries it",
     "how the network feels at the office, elsewhere and through the VPN; of groups alone", kBehav},
    {metric::kClassOnlineSeconds, "class_online_s", "s", kCount, 1, "network", true,
     "online_s once more by kind of network", "the denominator of being offline there", kBehav},
    {metric::kClassOfflineSeconds, "class_offline_s", "s", kCount, 1, "network", true,
     "offline_s once more by kind of network", "which kind of network fails; of groups alone",
     kBehav},
    {metric::kCpuStall, "cpu_stall_ms", "ms", kCount, 1, "responsiveness", true,
     "PSI: time in which some task waited for a CPU", "a machine too busy to answer", kTech},
    {metric::kMemoryStall, "memory_stall_ms", "ms", kCount, 1, "responsiveness", true,
     "PSI: time in which some task waited for memory", "too little memory freezes programs", kTech},
    {metric::kIoStall, "io_stall_ms", "ms", kCount, 1, "responsiveness", true,
     "PSI: time in which some task waited for a disk", "a slow disk makes everything wait", kTech},
    {metric::kAppCpuStall, "app_cpu_stall_ms", "ms", kCount, 1, "responsiveness", true,
     "PSI of the application's own scope", "which application waits for a CPU", kTech},
    {metric::kAppMemoryStall, "app_memory_stall_ms", "ms", kCount, 1, "responsiveness", true,
     "PSI of the application's own scope", "which application waits for memory", kTech},
    {metric::kAppIoStall, "app_io_stall_ms", "ms", kCount, 1, "responsiveness", true,
     "PSI of the application's own scope", "which application waits for a disk", kTech},
    {metric::kUiReply, "ui_reply_ms", "ms", kDist, 1000, "responsiveness", true,
     "answers of the foreground window to a ping, by candor-session",
     "how quickly programs answer the person", kTech},
    {metric::kHangSeconds, "hang_s", "s", kCount, 1, "responsiveness", true,
     "time in which the foreground window did not answer, by candor-session",
     "time spent looking at a frozen window", kTech},
    {metric::kLaunch, "launch_s", "s", kDist, 1000, "responsiveness", true,
     "process start to first window, by candor-session", "waiting for programs to start", kTech},
    {metric::kDiskFree, "disk_free_gib", "GiB", kLast, 1024, "health", false,
     "statvfs of the system disk", "a full disk breaks updates and programs", kTech},
    {metric::kBatteryHealth, "battery_pct", "pct", kLast, 100, "health", false,
     "full capacity against design capacity, all packs together",
     "a worn battery needs replacing before it fails on the road", kTech},
    {metric::kThrottled, "throttled_ms", "ms", kCount, 1, "health", true,
     "the processor's own counters of time spent throttled by heat",
     "a hot laptop is a slow laptop", kTech},
    {metric::kMemoryAvailable, "memory_available_mib", "MiB", kDist, 1, "health", true,
     "MemAvailable of /proc/meminfo", "who needs more memory", kTech},
    {metric::kDiskRead, "disk_read_ms", "ms", kDist, 1000, "health", true,
     "the kernel's counters of the system disk: mean time of its read requests; shown, not scored",
     "a slow or failing disk makes everything wait", kTech},
    {metric::kDiskWrite, "disk_write_ms", "ms", kDist, 1000, "health", true,
     "the kernel's counters of the system disk: mean time of its write requests; shown, not scored",
     "a slow or failing disk makes everything wait", kTech},
    {metric::kDiskWear, "disk_wear_pct", "pct", kLast, 1, "health", false,
     "what the system disk tells of its own wear, by UDisks2 or the kernel, once a day",
     "a disk near the end of its life should be replaced before it fails", kTech},
    {metric::kSecurityUpdates, "security_updates", "1", kLast, 1, "health", false,
     "installed packages for which apt's own lists hold a newer version as a security update",
     "known holes that wait to be closed", kTech},
    {metric::kSecurityUpdatesAge, "security_updates_age_d", "d", kLast, 1, "health", false,
     "days since the longest waiting security update was first seen on this device",
     "updates that do not get through", kTech},
    {metric::kPackagesAge, "packages_age_d", "d", kLast, 1, "health", false,
     "days since the package manager last changed anything", "a system that nobody updates", kTech},
    {metric::kRebootRequired, "reboot_required", "1", kLast, 1, "health", false,
     "1 where /run/reboot-required asks for a restart, 0 where it would and does not",
     "updates that take hold only after a restart", kTech},
    {metric::kUptime, "uptime_d", "d", kLast, 1, "health", false,
     "whole days since the machine was started, asleep or not",
     "machines that are never restarted grow slow and stay unpatched", kTech},
    {metric::kAgentCpu, "agent_cpu_ms", "ms", kCount, 1, "agent", false,
     "the agent's own processes", "Candor must not cost what it wants to save", kTech},
    {metric::kAgentMemory, "agent_memory_kib", "KiB", kLast, 1, "agent", false,
     "resident memory of the agent's own processes", "Candor's own weight", kTech},
    {metric::kAgentWakeups, "agent_wakeups", "1", kCount, 1, "agent", false,
     "context switches of the agent's own processes", "wakeups cost battery", kTech},
    {metric::kAgentBytesSent, "agent_bytes_sent", "B", kCount, 1, "agent", false,
     "what the uplink sent, TLS included", "Candor's own traffic", kTech},
    {metric::kAgentDiskWrites, "agent_disk_writes", "B", kCount, 1, "agent", false,
     "what the agent's own processes wrote", "Candor's own wear on the disk", kTech},
    {metric::kWatched, "watched_ms", "ms", kCount, 1, "agent", true,
     "how long each source of counts was watched",
     "a count is only a measurement while somebody was counting", kTech},
});

constexpr auto kEvents = std::to_array<EventEntry>({
    {event::kBoot, "boot", "boot", "systemd's own time stamps",
     "how long people wait for their laptop in the morning", kTech},
    {event::kCrash, "crash", "crash", "journal: systemd-coredump and the kernel",
     "programs that fall over lose work", kTech},
    {event::kUnitFailure, "unit_failure", "crash", "journal: the service manager",
     "background services that fail", kTech},
    {event::kSystemFailure, "system_failure", "crash", "journal and boot records",
     "the whole machine failed", kTech},
    {event::kHang, "hang", "responsiveness", "candor-session", "a frozen window stops all work",
     kTech},
    {event::kSignIn, "sign_in", "responsiveness",
     "logind's and the session's own clocks, until nothing waits for memory or disk, by "
     "candor-session",
     "waiting for the desktop after the password", kBehav},
    {event::kResume, "resume", "network", "logind's word of waking, and the machine's own routes",
     "waiting for the network after opening the lid", kBehav},
    {event::kInventory, "inventory", "health", "os-release, DMI, /proc and /sys",
     "which hardware and systems have which troubles", kTech},
    {event::kUnmeasured, "unmeasured", "agent", "every sampler",
     "what is not measured must not look good", kTech},
    {event::kLinkChange, "link_change", "network", "the state of the hardware's own links",
     "links that come and go", kBehav},
    {event::kAgentNotice, "agent_notice", "agent", "the agent", "faults of the agent itself",
     kTech},
    {event::kSoftwareChange, "software_change", "software",
     "the lists of dpkg and pacman, the system's flatpaks and snaps: names and versions, the whole "
     "list once a month and between that what changed; nothing in home folders, and never who uses "
     "what",
     "which laptops still have a version that is broken or unsafe, and what changed before trouble "
     "began",
     kTech},
});

}  // namespace

std::span<const MetricEntry> Metrics() { return kMetrics; }
std::span<const EventEntry> Events() { return kEvents; }

const MetricEntry* FindMetric(uint32_t number) {
  const auto at = std::lower_bound(kMetrics.begin(), kMetrics.end(), number,
                                   [](const MetricEntry& m, uint32_t n) { return m.number < n; });
  return at != kMetrics.end() && at->number == number ? &*at : nullptr;
}

const MetricEntry* FindMetric(std::string_view name) {
  const auto at = std::find_if(kMetrics.begin(), kMetrics.end(),
                               [&](const MetricEntry& m) { return m.name == name; });
  return at != kMetrics.end() ? &*at : nullptr;
}

const EventEntry* FindEvent(uint32_t number) {
  const auto at = std::find_if(kEvents.begin(), kEvents.end(),
                               [&](const EventEntry& e) { return e.number == number; });
  return at != kEvents.end() ? &*at : nullptr;
}

std::string_view KindName(MetricKind kind) {
  switch (kind) {
    case MetricKind::kDistribution:
      return "distribution";
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
  }
  return "unknown";
}

std::string_view SensitivityName(Sensitivity sensitivity) {
  switch (sensitivity) {
    case Sensitivity::kTechnical:
      return "technical";
    case Sensitivity::kBehaviour:
      return "behaviour";
    case Sensitivity::kPersonal:
      return "personal";
  }
  return "unknown";
}

}  // namespace candor
