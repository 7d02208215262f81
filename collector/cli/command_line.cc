#include "collector/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <utility>
#include <vector>

#include "collector/query/nearest.h"
#include "collector/query/text.h"
#include "common/usage.h"
#include "common/version.h"

namespace candor {
namespace {

constexpr size_t kArgumentBytesMax = 64 << 10;
// Whom to ask can stand in front of the command, too; behind it wins.
constexpr std::array kFlagsInFront = {Flag::kCollector, Flag::kCredential};

std::string_view LastWord(std::string_view name) {
  const size_t space = name.rfind(' ');
  return space == std::string_view::npos ? name : name.substr(space + 1);
}

bool IsNumber(const std::string& text) {
  if (text.empty() || text.size() > 9) return false;
  return text.find_first_not_of("0123456789") == std::string::npos;
}

// What can be said wrong about a value before anybody is asked; empty when nothing.
std::string WrongValue(Flag flag, const std::string& value) {
  const std::string_view name = SpecOf(flag).name;
  if (value.size() > kArgumentBytesMax) return Concat(name, " is too long");
  if ((flag == Flag::kLimit || flag == Flag::kUses) && !IsNumber(value)) {
    return Concat(name, ": '", value, "' is not a whole number from 0 to 999999999");
  }
  if (flag == Flag::kUses && value.find_first_not_of('0') == std::string::npos) {
    return Concat(name, " must be at least 1");
  }
  if (flag == Flag::kFormat && value != "table" && value != "json" && value != "csv") {
    return Concat(name, ": '", value, "' is not table, json or csv");
  }
  return "";
}

// What cannot be said together, because one of the two would be without effect; empty when nothing.
std::string WrongCombination(const Invocation& invocation) {
  const auto has = [&](Flag flag) { return invocation.flags.contains(flag); };
  const std::string_view command = invocation.command->name;
  if (has(Flag::kFacts)) {
    for (const auto& [flag, value] : invocation.flags) {
      if (flag == Flag::kFacts || flag == Flag::kModel || flag == Flag::kFormat) continue;
      return Concat(SpecOf(flag).name, " does not go with --facts");
    }
  }
  if (has(Flag::kModel) && !has(Flag::kFacts)) return "--model goes with --facts only";
  if (has(Flag::kDevice) && has(Flag::kBy)) return "--by does not go with --device";
  if (command != "device" && command != "fleet") return "";
  // A page: its first table is one row.
  for (const Flag flag : {Flag::kWhere, Flag::kSort, Flag::kLimit}) {
    // What chooses the devices of the fleet speaks of the whole page.
    if (flag == Flag::kWhere && command == "fleet") continue;
    if (has(flag) && (!has(Flag::kTable) || invocation.Value(Flag::kTable) == command)) {
      return Concat(SpecOf(flag).name, " goes with --table NAME here: '", command,
                    "' is a page of several tables");
    }
  }
  return "";
}

class Parser {
 public:
  Parser() : app_("Candor: what working on your laptops feels like", "candor") {
    app_.set_version_flag("--version", Concat("candor ", kVersion));
    app_.set_help_flag("-h,--help", "print this help");
    app_.require_subcommand(1);
    app_.option_defaults()->take_last();
    app_.footer("'candor COMMAND --help' tells more about a command; so does 'man candor'.");
    for (const Flag flag : kFlagsInFront) AddFlag(flag, app_, in_front_[flag]);
    for (const CommandSpec& command : Commands()) Add(command);
  }

  CommandLine Parse(int argc, const char* const* argv) {
    CommandLine line;
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      return Done(0, HelpOf(app_));
    } catch (const CLI::CallForVersion&) {
      return Done(0, Concat("candor ", kVersion, "\n"));
    } catch (const CLI::ParseError& error) {
      return Done(2, Mistake(error, argc, argv));
    }
    for (const Parsed& parsed : parsed_) {
      if (!parsed.app->parsed() || !parsed.app->get_subcommands().empty()) continue;
      return Finish(parsed);
    }
    return Done(2, Concat("no command", HintText()));
  }

 private:
  struct Parsed {
    const CommandSpec* command = nullptr;
    CLI::App* app = nullptr;
    std::string positional;
    std::map<Flag, std::string> values;
  };

  void Add(const CommandSpec& command) {
    CLI::App* parent = &app_;
    if (const size_t space = command.name.find(' '); space != std::string_view::npos) {
      parent = Group(std::string(command.name.substr(0, space)));
    }
    Parsed& parsed = parsed_.emplace_back();
    parsed.command = &command;
    parsed.app =
        parent->add_subcommand(std::string(LastWord(command.name)), std::string(command.summary));
    parsed.app->option_defaults()->take_last();
    if (!command.positional.empty()) {
      parsed.app->add_option(std::string(command.positional), parsed.positional, "");
    }
    for (const Flag flag : command.flags) AddFlag(flag, *parsed.app, parsed.values[flag]);
    std::string footer = std::string(command.description);
    for (const std::string_view example : command.examples) footer += Concat("\n  ", example);
    parsed.app->footer(footer);
  }

  static void AddFlag(Flag flag, CLI::App& app, std::string& value) {
    const FlagSpec& spec = SpecOf(flag);
    app.add_option(std::string(spec.name), value, std::string(spec.help))
        ->type_name(std::string(spec.metavar));
  }

  // The command that others stand under: "device" is one itself, "token" is not.
  CLI::App* Group(const std::string& name) {
    for (CLI::App* existing :
         app_.get_subcommands([&](const CLI::App* app) { return app->get_name() == name; })) {
      return existing;
    }
    CLI::App* group = app_.add_subcommand(name, "enrolment tokens: create, list, revoke");
    group->require_subcommand(1);
    return group;
  }

  CommandLine Finish(const Parsed& parsed) {
    const CommandSpec& command = *parsed.command;
    if (command.positional_required && parsed.positional.empty()) {
      return Done(2, Concat(command.name, " needs ", command.positional, HintText()));
    }
    CommandLine line;
    line.invocation.command = &command;
    line.invocation.positional = parsed.positional;
    const std::pair<const CLI::App*, const std::map<Flag, std::string>*> places[] = {
        {&app_, &in_front_}, {parsed.app, &parsed.values}};
    for (const auto& [app, values] : places) {
      for (const auto& [flag, value] : *values) {
        if (app->count(std::string(SpecOf(flag).name)) == 0) continue;
        if (std::string wrong = WrongValue(flag, value); !wrong.empty()) return Done(2, wrong);
        line.invocation.flags[flag] = value;
      }
    }
    if (std::string wrong = WrongCombination(line.invocation); !wrong.empty()) {
      return Done(2, Concat(wrong, HintText()));
    }
    return line;
  }

  // The help of the innermost command that was named.
  std::string HelpOf(const CLI::App& app) {
    const CLI::App* innermost = &app;
    while (!innermost->get_subcommands().empty()) innermost = innermost->get_subcommands().front();
    return innermost->help(PathOf(*innermost));
  }

  static std::string PathOf(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    return parent == nullptr                 ? ""
           : parent->get_parent() == nullptr ? "candor"
                                             : Concat("candor ", parent->get_name());
  }

  // A command that nobody knows is answered with the nearest ones.
  std::string Mistake(const CLI::ParseError& error, int argc, const char* const* argv) {
    if (app_.get_subcommands().empty() && argc > 1 && argv[1][0] != '-') {
      std::vector<std::string> names;
      for (const CommandSpec& command : Commands()) {
        names.emplace_back(command.name.substr(0, command.name.find(' ')));
      }
      std::sort(names.begin(), names.end());
      names.erase(std::unique(names.begin(), names.end()), names.end());
      return Concat("no command '", argv[1], "'", DidYouMean(argv[1], names), HintText());
    }
    // A flag of other commands is told from a misspelt one.
    for (const std::string& word : app_.remaining(true)) {
      const std::string flag = word.substr(0, word.find('='));
      const bool known = std::any_of(Flags().begin(), Flags().end(),
                                     [&](const FlagSpec& spec) { return spec.name == flag; });
      const std::string command = CommandNamed();
      if (known && !command.empty()) {
        return Concat("'candor ", command, "' takes no ", flag, " (see candor ", command,
                      " --help)");
      }
      break;
    }
    return UsageMistake(app_, error);
  }

  // The command whose words were being read, "" before there is one.
  std::string CommandNamed() const {
    std::string name;
    const CLI::App* innermost = &app_;
    while (!innermost->get_subcommands().empty()) {
      innermost = innermost->get_subcommands().front();
      name += (name.empty() ? "" : " ") + innermost->get_name();
    }
    return name;
  }

  static std::string HintText() { return " (see candor --help)"; }

  static CommandLine Done(int exit_code, std::string text) {
    CommandLine line;
    line.done = true;
    line.exit_code = exit_code;
    line.text = std::move(text);
    return line;
  }

  CLI::App app_;
  std::map<Flag, std::string> in_front_;
  // Options point into these; a list's elements stay where they are.
  std::list<Parsed> parsed_;
};

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  return Parser().Parse(argc, argv);
}

}  // namespace candor
