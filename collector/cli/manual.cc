#include "collector/cli/manual.h"

#include "collector/cli/commands.h"
#include "collector/query/text.h"
#include "common/roff.h"
#include "common/version.h"

namespace candor {
namespace {

using roff::Bold;
using roff::Italic;
using roff::Plain;

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string Heading(const std::string& page, std::string_view summary) {
  return Concat(".TH ", Upper(page), " 1 \"\" \"candor ", kVersion, "\" \"Candor\"\n.SH NAME\n",
                Plain(page), " \\- ", Plain(summary), "\n");
}

std::string Usage(const CommandSpec& command) {
  std::string line = Bold(Concat("candor ", command.name));
  if (!command.positional.empty()) {
    const std::string positional = Italic(command.positional);
    line += command.positional_required ? " " + positional : " [" + positional + "]";
  }
  return line + " [" + Italic("OPTIONS") + "]\n";
}

std::string Options(const CommandSpec& command) {
  std::string out;
  for (const Flag flag : command.flags) {
    const FlagSpec& spec = SpecOf(flag);
    out +=
        Concat(".TP\n", Bold(spec.name), " ", Italic(spec.metavar), "\n", Plain(spec.help), "\n");
  }
  return out;
}

bool Takes(const CommandSpec& command, Flag flag) {
  for (const Flag taken : command.flags) {
    if (taken == flag) return true;
  }
  return false;
}

std::string ExamplesOf(const CommandSpec& command) {
  std::string out;
  for (const std::string_view example : command.examples) {
    out += Concat(".PP\n.nf\n", Plain(example), "\n.fi\n");
  }
  return out;
}

constexpr std::string_view kSurroundings =
    ".SH ENVIRONMENT\n"
    ".TP\n\\fBCANDOR_COLLECTOR\\fR, \\fBCANDOR_CREDENTIAL\\fR\n"
    "Used where \\fB\\-\\-collector\\fR and \\fB\\-\\-credential\\fR are not given.\n"
    ".TP\n\\fBNO_COLOR\\fR\nNo colours, whatever the terminal.\n"
    ".SH FILES\n"
    ".TP\n\\fI~/.config/candor/cli.toml\\fR\n"
    "Collector, certificate, key and authority (a copy of \\fIadmin.toml\\fR, readable by its "
    "owner "
    "only), or \\fBcredential = \"FILE\"\\fR.\n"
    ".SH EXIT STATUS\n"
    "0 for success, 1 for a failure with one line on standard error, 2 for wrong usage.\n";

// All commands of one page: "token" stands for token create, list and revoke.
std::string FamilyOf(const CommandSpec& command) {
  return std::string(command.name.substr(0, command.name.find(' ')));
}

std::string CommandPage(const std::string& family) {
  std::string synopsis;
  std::string description;
  std::string examples;
  std::string_view summary;
  bool filters = false;
  for (const CommandSpec& command : Commands()) {
    if (FamilyOf(command) != family) continue;
    if (summary.empty()) summary = command.summary;
    synopsis += Concat(synopsis.empty() ? "" : ".br\n", Usage(command));
    description +=
        Concat(".SS candor ", command.name, "\n",
               Plain(command.description.empty() ? command.summary : command.description), "\n",
               Options(command));
    examples += ExamplesOf(command);
    filters = filters || Takes(command, Flag::kWhere);
  }
  std::string page = Heading("candor-" + family, family == "token" ? "enrolment tokens" : summary);
  page += Concat(".SH SYNOPSIS\n", synopsis, ".SH DESCRIPTION\n", description);
  if (filters) page += Concat(".SH FILTERS\n", Plain(FilterHelp()), "\n");
  if (!examples.empty()) page += ".SH EXAMPLES\n" + examples;
  return Concat(page, kSurroundings, ".SH SEE ALSO\n", Bold("candor"), "(1)\n");
}

std::string MainPage() {
  std::string page = Heading("candor", "ask a Candor collector");
  page += Concat(".SH SYNOPSIS\n", Bold("candor"), " ", Italic("COMMAND"), " [", Italic("OPTIONS"),
                 "]\n.SH DESCRIPTION\n",
                 Plain("Candor measures what working on laptops feels like. candor asks its "
                       "collector, and administers enrolment."),
                 "\n.SH COMMANDS\n");
  for (const CommandSpec& command : Commands()) {
    page += Concat(".TP\n", Usage(command), Plain(command.summary), "\n");
  }
  page += ".SH OPTIONS\n";
  for (const FlagSpec& spec : Flags()) {
    page +=
        Concat(".TP\n", Bold(spec.name), " ", Italic(spec.metavar), "\n", Plain(spec.help), "\n");
  }
  page += Concat(".TP\n", Bold("--help"), "\nHelp, of each command too.\n.TP\n", Bold("--version"),
                 "\nThe version.\n.SH FILTERS\n", Plain(FilterHelp()), "\n.SH FORMATS\n",
                 Plain("table is for people: aligned, coloured on a terminal only. json is one "
                       "document with schema, generated_at and rows, further tables under tables; "
                       "numbers stand in the unit their key names, times in RFC 3339. csv is "
                       "RFC 4180."),
                 "\n", kSurroundings);
  return page;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ManualPages() {
  std::vector<std::pair<std::string, std::string>> pages = {{"candor.1", MainPage()}};
  for (const CommandSpec& command : Commands()) {
    const std::string family = FamilyOf(command);
    const std::string file = Concat("candor-", family, ".1");
    if (pages.back().first == file) continue;
    pages.emplace_back(file, CommandPage(family));
  }
  return pages;
}

}  // namespace candor
