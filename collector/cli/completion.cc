#include "collector/cli/completion.h"

#include <map>
#include <set>
#include <vector>

#include "collector/cli/commands.h"
#include "collector/query/text.h"

namespace candor {
namespace {

std::string Words(const std::set<std::string>& words) {
  return Join({words.begin(), words.end()}, " ");
}

}  // namespace

std::string BashCompletion() {
  std::set<std::string> first;
  std::map<std::string, std::set<std::string>> second;  // device: revoke
  std::string flags;
  for (const CommandSpec& command : Commands()) {
    const std::string name(command.name);
    const size_t space = name.find(' ');
    first.insert(name.substr(0, space));
    if (space != std::string::npos) second[name.substr(0, space)].insert(name.substr(space + 1));
    std::set<std::string> taken = {"--help"};
    for (const Flag flag : command.flags) taken.insert(std::string(SpecOf(flag).name));
    flags += Concat("    '", name, "') flags='", Words(taken), "' ;;\n");
  }
  std::string nested;
  for (const auto& [name, words] : second) {
    nested += Concat("    ", name, ") words='", Words(words), "' ;;\n");
  }
  return Concat(
      "# Completion of candor for bash; made when candor was built.\n"
      "_candor() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local words='' flags='' command=${COMP_WORDS[1]}\n"
      "  COMPREPLY=()\n"
      "  case $prev in\n"
      "    --format) mapfile -t COMPREPLY < <(compgen -W 'table json csv' -- \"$cur\"); return ;;\n"
      "    --credential | --facts) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
      "    --from | --to) mapfile -t COMPREPLY < <(compgen -W '7d 28d yesterday today' -- "
      "\"$cur\"); return ;;\n"
      "    --by)\n"
      "      local by='department location model os kernel version device all'\n"
      "      case $command in\n"
      "        crashes | score) by+=' app' ;;\n"
      "        network) by+=' service class' ;;\n"
      "        inventory) by+=' package' ;;\n"
      "      esac\n"
      "      mapfile -t COMPREPLY < <(compgen -W \"$by\" -- \"$cur\"); return ;;\n"
      "    --against) mapfile -t COMPREPLY < <(compgen -W 'previous 7d 28d yesterday' -- "
      "\"$cur\"); "
      "return ;;\n"
      "  esac\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '",
      Words(first),
      " --help --version' -- \"$cur\")\n"
      "    return\n"
      "  fi\n"
      "  case $command in\n",
      nested,
      "  esac\n"
      "  if [[ -n $words && $COMP_CWORD -gt 2 && \" $words \" == *\" ${COMP_WORDS[2]} \"* ]]; "
      "then\n"
      "    command+=\" ${COMP_WORDS[2]}\"\n"
      "    words=''\n"
      "  fi\n"
      "  case $command in\n",
      flags,
      "  esac\n"
      "  [[ $COMP_CWORD -gt 2 ]] && words=''\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words $flags\" -- \"$cur\")\n"
      "}\n"
      "complete -o bashdefault -F _candor candor\n");
}

}  // namespace candor
