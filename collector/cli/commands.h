// What `candor` can be asked, as data: the parser, --help, the manual pages and the completion for
// bash are all made from this one list.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace candor {

enum class Flag {
  kWhere,
  kBy,
  kFrom,
  kTo,
  kAgainst,
  kSort,
  kLimit,
  kReason,
  kDay,
  kDevice,
  kFacts,
  kModel,
  kUses,
  kExpires,
  kTable,
  kFormat,
  kCollector,
  kCredential,
};

struct FlagSpec {
  Flag flag;
  std::string_view name;     // "--where"
  std::string_view metavar;  // "EXPR"
  std::string_view help;
};
std::span<const FlagSpec> Flags();
const FlagSpec& SpecOf(Flag flag);

enum class CommandKind {
  kQuery,  // ask the collector, draw what comes
  kWatch,  // the same, until interrupted
  kScore,  // a query, or offline with --facts
  kTokenCreate,
  kTokenList,
  kTokenRevoke,
  kDeviceRevoke,
};

struct CommandSpec {
  std::string_view name;  // "devices", "token create"
  CommandKind kind;
  std::string_view positional;  // "HOST"; empty for none
  bool positional_required = false;
  std::string_view summary;
  std::string_view description;
  std::span<const Flag> flags;
  std::span<const std::string_view> examples;
};

// In the order of the manual.
std::span<const CommandSpec> Commands();

// Text that belongs to all commands, for the manual and --help.
std::string_view FilterHelp();

// A command line that was understood.
struct Invocation {
  const CommandSpec* command = nullptr;
  std::string positional;
  std::map<Flag, std::string> flags;

  std::string Value(Flag flag) const {
    const auto at = flags.find(flag);
    return at == flags.end() ? std::string() : at->second;
  }
};

}  // namespace candor
