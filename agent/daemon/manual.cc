#include "agent/daemon/manual.h"

#include <array>
#include <string_view>
#include <utility>

#include "agent/daemon/settings.h"
#include "agent/samplers/support/text.h"
#include "common/registry.h"
#include "common/roff.h"
#include "common/version.h"

namespace candor {
namespace {

using roff::Bold;
using roff::Italic;
using roff::Plain;
using Pair = std::pair<std::string_view, std::string_view>;

// Name and what the family is about, in the order of SamplerFamilies; "agent" measures itself.
constexpr auto kFamilies = std::to_array<Pair>({
    {"boot", "How long this laptop takes to start."},
    {"crash",
     "Programs, services and systems that fail. A program is named only where a package "
     "manager, flatpak or snap owns it; any other is \"other\". No memory, no arguments, no "
     "environment."},
    {"network",
     "How far away the services are that people work with. Only services that the "
     "operator configured by name are probed; where other connections go is never kept, "
     "nor is the name of any network."},
    {"health", "Hardware and system: what wears out, fills up or runs hot."},
    {"software",
     "What the system's package managers installed: names and versions, the whole list at first "
     "and once a month, between them what changed. Not what is installed in a home folder, and not "
     "who uses what. A package that somebody built has the name they gave it. To switch it off: "
     "families_off = [\"software\"]."},
    {"responsiveness",
     "How long programs keep people waiting. Windows are asked whether they "
     "answer; their titles and contents are never looked at, nor are keys."},
    {"usage",
     "Whether somebody uses the laptop, because the other figures count for minutes of "
     "use. It is a denominator: not shown for a device or a person."},
    {"agent", "What Candor itself costs this laptop."},
});

constexpr auto kCommands = std::to_array<Pair>({
    {"run",
     "Run as daemon; so does candor-agent without a command. Started by the service "
     "candor-agent."},
    {"status",
     "What the running agent is doing: to which fleet it belongs, when it sent last, and "
     "for each metric its latest value or why there is none. For everybody logged in."},
    {"sample", "Measure now and print. Sends nothing."},
    {"ledger",
     "Everything that was sent from this laptop, newest first, read from the very bytes "
     "that were sent. --batch SEQ shows every value of one batch. For everybody logged in."},
    {"enroll", "Give this laptop its identity in a fleet. For root."},
});

constexpr auto kFiles = std::to_array<Pair>({
    {"/etc/candor/agent.toml",
     "Settings; every one has a default. An example is in "
     "/usr/share/doc/candor-agent."},
    {"/etc/candor/enroll.toml",
     "How this laptop is to enrol by itself: collector, ca_fingerprint, "
     "token, labels. Belongs to candor-uplink alone. The token goes from "
     "it once it was used."},
    {"/var/lib/candor-agent", "What waits to be sent, and what was sent."},
    {"/var/lib/candor-uplink", "The laptop's key and certificate."},
});

std::string Item(const std::string& head, std::string_view text) {
  return Concat(".TP\n", head, "\n", Plain(text), "\n");
}

// One sentence of what is collected: from where, and why.
std::string Entry(std::string_view name, std::string_view source, std::string_view reason) {
  return Concat(".TP\n", Bold(name), "\n", Plain(Concat("From: ", source, ".")), "\n.br\n",
                Plain(Concat("Why: ", reason, ".")), "\n");
}

std::string Collected() {
  std::string text;
  for (const auto& [family, about] : kFamilies) {
    text += Concat(".SS ", Plain(family), "\n", Plain(about), "\n");
    for (const MetricEntry& metric : Metrics()) {
      if (metric.family == family) {
        text += Entry(metric.name, metric.source, metric.reason);
      }
    }
    for (const EventEntry& event : Events()) {
      if (event.family == family) {
        text += Entry(event.name, event.source, event.reason);
      }
    }
  }
  return text;
}

}  // namespace

std::string AgentManualPage() {
  std::string page = Concat(".TH CANDOR\\-AGENT 1 \"\" \"candor ", kVersion,
                            "\" \"Candor\"\n.SH NAME\ncandor\\-agent \\- measures what "
                            "working on this laptop feels like\n.SH SYNOPSIS\n",
                            Bold("candor-agent"), " [", Italic("COMMAND"), "] [", Italic("OPTIONS"),
                            "]\n.SH DESCRIPTION\n");
  page +=
      Concat(Plain("A quiet daemon that measures, keeps what it measured in windows of a minute, "
                   "and now and then has it taken to the fleet's collector. It runs as a user of "
                   "its own, without any privilege. You may read every byte that left this laptop "
                   "with candor-agent ledger, and what is collected and why below."),
             "\n.SH COMMANDS\n");
  for (const auto& [name, text] : kCommands) page += Item(Bold(name), text);
  page +=
      Concat(Item(Bold("--help"), "Options, of each command too."),
             ".SH WHAT IS COLLECTED, AND WHY\n", Collected(), ".SH WHAT IS NEVER COLLECTED\n",
             Plain("Content of any kind; window titles; keystrokes or their timing; pictures of "
                   "the screen; addresses that were visited; names and places of your files; "
                   "command lines; where you are; names of wireless networks; where "
                   "connections go, but for services that the operator configured by name."),
             "\n.SH SWITCHING OFF\n",
             Plain("A family that is listed in families_off of /etc/candor/agent.toml is not "
                   "sampled at all, whatever the collector says; the collector can switch "
                   "families off, never on against this file. The families are: "),
             "\n");
  std::string_view comma;
  for (const std::string& family : SamplerFamilies()) {
    page += Concat(comma, Plain(family));
    comma = ", ";
  }
  page += ".\n.SH FILES\n";
  for (const auto& [path, text] : kFiles) page += Item(Italic(path), text);
  page += Concat(
      ".SH EXIT STATUS\n0 for success, 1 for a failure with one line on standard "
      "error, 2 for wrong usage.\n.SH SEE ALSO\n",
      Bold("candor-session"), "(1)\n");
  return page;
}

}  // namespace candor
