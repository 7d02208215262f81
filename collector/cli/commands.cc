#include "collector/cli/commands.h"

#include <algorithm>
#include <array>

namespace candor {
namespace {

constexpr auto kFlags = std::to_array<FlagSpec>({
    {Flag::kWhere, "--where", "EXPR", "only rows for which the filter is true (see FILTERS)"},
    {Flag::kBy, "--by", "DIMENSION",
     "group by a label given at enrolment, os, model, kernel or any other key of the inventory, "
     "package.NAME, version, device, all"},
    {Flag::kFrom, "--from", "WHEN", "first day: 7d, yesterday, 2026-11-01, RFC 3339 (default 28d)"},
    {Flag::kTo, "--to", "WHEN", "last day (default today)"},
    {Flag::kAgainst, "--against", "PERIOD",
     "a second period beside the first: previous, 28d (so much earlier), A..B, yesterday"},
    {Flag::kSort, "--sort", "COLUMN", "order by a column, -COLUMN for descending"},
    {Flag::kLimit, "--limit", "N", "at most N rows; 0: all"},
    {Flag::kReason, "--reason", "TEXT", "why you look or act, for the audit log"},
    {Flag::kDay, "--day", "DAY", "the day to explain (default: the latest with a score)"},
    {Flag::kDevice, "--device", "HOST|ID", "of this device: what changed there, and what it has"},
    {Flag::kFacts, "--facts", "FILE",
     "score the facts in this file, here and now, without a collector; only --model and --format "
     "go "
     "with it"},
    {Flag::kModel, "--model", "NAME", "with --facts: score model (default candor-1)"},
    {Flag::kUses, "--uses", "N", "how many laptops may enrol with it (default 1)"},
    {Flag::kExpires, "--expires", "AGE", "how long it is good for: 12h, 30d (default 7d)"},
    {Flag::kTable, "--table", "NAME",
     "only this one of the answer's tables; --sort and --limit speak of it"},
    {Flag::kFormat, "--format", "FORMAT", "table, json or csv (default table)"},
    {Flag::kCollector, "--collector", "HOST:PORT", "the collector's fleet address"},
    {Flag::kCredential, "--credential", "FILE", "who you are: admin.toml of candor-collector init"},
});

// What rows can be asked for, group by group. A filter can leave one device of many, so all of them
// take a reason.
constexpr std::array kGroupFlags = {
    Flag::kBy,    Flag::kWhere,  Flag::kFrom,  Flag::kTo,     Flag::kAgainst,   Flag::kSort,
    Flag::kLimit, Flag::kReason, Flag::kTable, Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kScoreFlags = {Flag::kBy,        Flag::kWhere,     Flag::kFrom,  Flag::kTo,
                                    Flag::kAgainst,   Flag::kSort,      Flag::kLimit, Flag::kReason,
                                    Flag::kFacts,     Flag::kModel,     Flag::kTable, Flag::kFormat,
                                    Flag::kCollector, Flag::kCredential};
constexpr std::array kRowFlags = {Flag::kWhere,  Flag::kFrom,      Flag::kTo,        Flag::kAgainst,
                                  Flag::kSort,   Flag::kLimit,     Flag::kReason,    Flag::kTable,
                                  Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kDeviceFlags = {
    Flag::kReason, Flag::kFrom,  Flag::kTo,     Flag::kAgainst,   Flag::kTable,     Flag::kWhere,
    Flag::kSort,   Flag::kLimit, Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kExplainFlags = {
    Flag::kDay,  Flag::kReason, Flag::kFrom,  Flag::kTo,     Flag::kAgainst,   Flag::kWhere,
    Flag::kSort, Flag::kLimit,  Flag::kTable, Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kTimelineFlags = {Flag::kReason, Flag::kFrom,      Flag::kTo,
                                       Flag::kWhere,  Flag::kSort,      Flag::kLimit,
                                       Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kInventoryFlags = {Flag::kBy,     Flag::kWhere,     Flag::kSort,
                                        Flag::kLimit,  Flag::kReason,    Flag::kTable,
                                        Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kSoftwareFlags = {
    Flag::kDevice, Flag::kBy,     Flag::kWhere, Flag::kFrom,   Flag::kTo,        Flag::kSort,
    Flag::kLimit,  Flag::kReason, Flag::kTable, Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kWatchFlags = {Flag::kReason, Flag::kFrom,      Flag::kTo,
                                    Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kSqlFlags = {Flag::kWhere,  Flag::kSort,      Flag::kLimit,     Flag::kReason,
                                  Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kMetricsFlags = {Flag::kWhere,  Flag::kSort,      Flag::kLimit,
                                      Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kCreateFlags = {Flag::kUses, Flag::kExpires, Flag::kFormat, Flag::kCollector,
                                     Flag::kCredential};
constexpr std::array kTokenListFlags = {Flag::kWhere,  Flag::kSort,      Flag::kLimit,
                                        Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kAdminFlags = {Flag::kFormat, Flag::kCollector, Flag::kCredential};
constexpr std::array kRevokeFlags = {Flag::kReason, Flag::kFormat, Flag::kCollector,
                                     Flag::kCredential};

using Examples = std::array<std::string_view, 2>;
constexpr Examples kFleetExamples = {"candor fleet", "candor fleet --against previous"};
constexpr Examples kDevicesExamples = {
    "candor devices --limit 20",
    "candor devices --where 'score < 60 and os ~ \"Debian 12\" and boot_s > 40'"};
constexpr Examples kDeviceExamples = {
    "candor device anna-laptop --reason 'ticket 4711'",
    "candor device anna-laptop --table measured --where 'metric ~ stall'"};
constexpr Examples kScoreExamples = {"candor score --by department --against previous",
                                     "candor score --facts facts.json --format json"};
constexpr Examples kExplainExamples = {"candor explain anna-laptop",
                                       "candor explain anna-laptop --day yesterday"};
constexpr Examples kBootsExamples = {"candor boots --by model",
                                     "candor boots --by kernel --where 'boot_s > 1m'"};
constexpr Examples kCrashesExamples = {"candor crashes --from 7d",
                                       "candor crashes --by os --where 'department = Sales'"};
constexpr Examples kNetworkExamples = {"candor network --by location",
                                       "candor network --by service"};
constexpr Examples kHealthExamples = {"candor health --by model",
                                      "candor health --by device --where 'disk_free_gib < 10'"};
constexpr Examples kInventoryExamples = {"candor inventory --by kernel",
                                         "candor inventory --by package"};
constexpr std::array<std::string_view, 4> kSoftwareExamples = {
    "candor software openssl",
    "candor software --by device --where 'name = openssl and version < 3.0.15-1~deb12u1'",
    "candor software --device anna-laptop --from 7d --reason 'ticket 4711'",
    "candor software mesa --table changes --from 14d"};
constexpr Examples kTimelineExamples = {"candor timeline anna-laptop --from 7d",
                                        "candor timeline anna-laptop --where 'what = crash'"};
constexpr Examples kWatchExamples = {"candor watch", "candor watch anna-laptop"};
constexpr Examples kSqlExamples = {
    "candor sql", "candor sql \"SELECT day, avg(score) FROM scores GROUP BY day\" --format csv"};
constexpr Examples kMetricsExamples = {"candor metrics",
                                       "candor metrics --where 'family = network'"};
constexpr Examples kTokenExamples = {"candor token create --uses 50 --expires 30d",
                                     "candor token create --format json"};

constexpr auto kCommands = std::to_array<CommandSpec>({
    {"fleet", CommandKind::kQuery, "", false, "the fleet now",
     "The fleet in one look: its score with a 95 % interval and its trend, how many devices "
     "report, "
     "what costs most time, which domains are weak.",
     kRowFlags, kFleetExamples},
    {"devices", CommandKind::kQuery, "", false, "a row per device, worst first",
     "A row per device. Any scored metric (boot_s, rtt_ms, …) and any key of the inventory is a "
     "column as soon as --where or --sort names it.",
     kRowFlags, kDevicesExamples},
    {"device", CommandKind::kQuery, "HOST|ID", true, "one device on one page",
     "One page about one device: score and its parts, every measured value, each unmeasured one "
     "with its reason, boots, crashes, its last days. --where, --sort and --limit go with --table. "
     "Looking is audited.",
     kDeviceFlags, kDeviceExamples},
    {"device revoke",
     CommandKind::kDeviceRevoke,
     "HOST|ID",
     true,
     "take a device's certificate away",
     "Nothing that the device sends from now on is accepted, streams that are open included. What "
     "it sent before stays.",
     kRevokeFlags,
     {}},
    {"score", CommandKind::kScore, "", false, "scores of groups side by side",
     "Scores of groups, worst first: mean of their device-days, 95 % interval from ten devices on, "
     "share of devices with a domain below 60, coverage. With --facts it scores a file of facts "
     "offline, so that anyone can recompute a score.",
     kScoreFlags, kScoreExamples},
    {"explain", CommandKind::kQuery, "HOST|ID", true, "a score taken apart",
     "The score of one day taken apart, a row per metric: value, curve, weight, points lost. The "
     "points add up to 100 less the score. Looking is audited.",
     kExplainFlags, kExplainExamples},
    {"boots", CommandKind::kQuery, "", false, "boots, most time lost first",
     "How long people wait for their laptops, by group (default: model), and which units are slow. "
     "Durations only, never times of day.",
     kGroupFlags, kBootsExamples},
    {"crashes", CommandKind::kQuery, "", false, "what falls over, most time lost first",
     "Programs by version (default), by app, or groups of devices; failures of whole machines; "
     "services that failed.",
     kGroupFlags, kCrashesExamples},
    {"network", CommandKind::kQuery, "", false, "how the network feels",
     "Round trips, DNS, TLS, loss, time offline and Wi-Fi by group (default: location), by service "
     "or by class of network. offline_cause says what took most of the time offline: gateway (the "
     "line in the room), no_route (no address), portal (somebody else answers), dns_silent, "
     "dns_error, refused (services down), no_answer (lost beyond the gateway); offline_CAUSE_pct "
     "of "
     "the time with a link, IPv4 and IPv6 each (rtt_ipv6_ms_p75, ipv6_failed_pct) and the Wi-Fi's "
     "rate, failed frames and roams are in --format json and csv.",
     kGroupFlags, kNetworkExamples},
    {"health", CommandKind::kQuery, "", false, "disk, memory, processor, battery, heat",
     "The machines themselves by group (default: model), most time lost first, and what the agent "
     "itself costs.",
     kGroupFlags, kHealthExamples},
    {"inventory", CommandKind::kQuery, "", false, "what is out there",
     "Devices by any property (default: os), by agent or by package; who stopped reporting; what "
     "is "
     "not measured and why.",
     kInventoryFlags, kInventoryExamples},
    {"software", CommandKind::kQuery, "NAME", false, "what is installed where, and what changed",
     "What package managers installed (deb, flatpak, pacman, snap; nothing from home folders): "
     "names and versions with the number of devices that have them, and as a second table, "
     "changes, what changed in the period. NAME is a part of a name; with * or ? in it, all of "
     "one. --by device says who has which version. Versions compare as package managers order "
     "them. With --device: what changed there day by day and, as a second table, installed, what "
     "it has; looking is audited. A package is a property of devices, too: --by package.openssl "
     "and --where 'package.openssl < 3.0.15' work with any command.",
     kSoftwareFlags, kSoftwareExamples},
    {"timeline", CommandKind::kQuery, "HOST|ID", true, "faults and changes of a device, in order",
     "Technical faults and changes of one device in order, installed software among them. No "
     "boots, sign-ins or links: when "
     "somebody works is nobody's business. Looking is audited.",
     kTimelineFlags, kTimelineExamples},
    {"watch", CommandKind::kWatch, "HOST|ID", false, "live, until interrupted",
     "The fleet, or one device, drawn anew whenever something changed. A device that is watched "
     "sends every minute. Looking at a device is audited.",
     kWatchFlags, kWatchExamples},
    {"sql", CommandKind::kQuery, "STATEMENT", false, "read-only SQL over documented tables",
     "One SELECT over the documented tables, with limits on time and rows. Without a statement it "
     "lists the tables. Every statement is audited.",
     kSqlFlags, kSqlExamples},
    {"metrics", CommandKind::kQuery, "", false, "what is measured, and why",
     "The registry: what is measured, in which unit, by what, why, and how sensitive it is.",
     kMetricsFlags, kMetricsExamples},
    {"token create", CommandKind::kTokenCreate, "", false, "let laptops enrol",
     "Makes an enrolment token. It is shown once and kept only as a hash.", kCreateFlags,
     kTokenExamples},
    {"token list", CommandKind::kTokenList, "", false, "tokens there are", "", kTokenListFlags, {}},
    {"token revoke",
     CommandKind::kTokenRevoke,
     "ID",
     true,
     "withdraw a token",
     "Nobody enrols with it any more. Laptops that did stay enrolled.",
     kAdminFlags,
     {}},
});

}  // namespace

std::span<const FlagSpec> Flags() { return kFlags; }

const FlagSpec& SpecOf(Flag flag) {
  return *std::find_if(kFlags.begin(), kFlags.end(),
                       [&](const FlagSpec& spec) { return spec.flag == flag; });
}

std::span<const CommandSpec> Commands() { return kCommands; }

std::string_view FilterHelp() {
  return "A filter compares columns with values: = != < <= > >= and ~ for \"contains\", joined by "
         "and, or, not and parentheses. Text with spaces stands in quotes. Numbers may carry a "
         "unit: boot_s > 1m, disk_free_gib < 500MiB, loss_pct > 1%. Times compare with dates and "
         "ages: last_seen < 7d is longer ago than seven days. What was not measured is neither "
         "above nor below anything; score = none finds it. Where rows are groups, comparisons with "
         "columns of 'candor devices' choose the devices that count.";
}

}  // namespace candor
