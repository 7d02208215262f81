// What can be typed, and what is said about what cannot. Help, manual and completion name the same.
#include "collector/cli/command_line.h"

#include <algorithm>

#include "collector/cli/completion.h"
#include "collector/cli/manual.h"
#include "collector/query/text.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

CommandLine Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "candor");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("Every command answers --help with its flags") {
  for (const CommandSpec& command : Commands()) {
    std::vector<std::string> words = WordsOf(command.name);
    words.emplace_back("--help");
    const CommandLine line = Parse(words);
    INFO(command.name);
    REQUIRE(line.done);
    REQUIRE(line.exit_code == 0);
    REQUIRE(Contains(line.text, Concat("candor ", command.name)));
    for (const Flag flag : command.flags) REQUIRE(Contains(line.text, SpecOf(flag).name));
  }
  REQUIRE(Parse({"--help"}).exit_code == 0);
  REQUIRE(Contains(Parse({"--help"}).text, "devices"));
  REQUIRE(Parse({"token", "--help"}).exit_code == 0);
}

TEST_CASE("The flag --version is one line") {
  REQUIRE(Parse({"--version"}).text == "candor 0.1.0\n");
  REQUIRE(Parse({"--version"}).exit_code == 0);
}

// What a flag goes with only.
std::vector<std::string> Companions(const CommandSpec& command, Flag flag) {
  if (flag == Flag::kModel) return {"--facts", "facts.json"};
  const bool shapes = flag == Flag::kWhere || flag == Flag::kSort || flag == Flag::kLimit;
  if (shapes && (command.name == "device" || command.name == "fleet")) {
    return {"--table", "further"};
  }
  return {};
}

TEST_CASE("Every command takes each of its flags") {
  for (const CommandSpec& command : Commands()) {
    for (const Flag flag : command.flags) {
      std::vector<std::string> words = WordsOf(command.name);
      if (!command.positional.empty()) words.emplace_back("anna");
      for (const std::string& word : Companions(command, flag)) words.push_back(word);
      words.emplace_back(SpecOf(flag).name);
      const std::string value = flag == Flag::kFormat                         ? "json"
                                : flag == Flag::kLimit || flag == Flag::kUses ? "7"
                                                                              : "value";
      words.push_back(value);
      const CommandLine line = Parse(words);
      INFO(command.name << " " << SpecOf(flag).name << ": " << line.text);
      REQUIRE_FALSE(line.done);
      REQUIRE(line.invocation.command->name == command.name);
      REQUIRE(line.invocation.Value(flag) == value);
      if (!command.positional.empty()) REQUIRE(line.invocation.positional == "anna");
    }
  }
}

TEST_CASE("What would be without effect is refused, not ignored") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"token", "list", "--from", "7d"},
       "'candor token list' takes no --from (see candor token list --help)"},
      {{"metrics", "--against", "previous"},
       "'candor metrics' takes no --against (see candor metrics --help)"},
      {{"inventory", "--to=7d"}, "'candor inventory' takes no --to (see candor inventory --help)"},
      {{"timeline", "anna", "--against", "7d"},
       "'candor timeline' takes no --against (see candor timeline --help)"},
      {{"score", "--model", "candor-1"}, "--model goes with --facts only (see candor --help)"},
      {{"score", "--facts", "f", "--where", "score < 6"},
       "--where does not go with --facts (see candor --help)"},
      {{"score", "--facts", "f", "--by", "os"},
       "--by does not go with --facts (see candor --help)"},
      {{"score", "--facts", "f", "--credential", "c"},
       "--credential does not go with --facts (see candor --help)"},
      {{"software", "ssl", "--device", "anna", "--by", "os"},
       "--by does not go with --device (see candor --help)"},
      {{"device", "anna", "--where", "points < 60"},
       "--where goes with --table NAME here: 'device' is a page of several tables (see candor "
       "--help)"},
      {{"device", "anna", "--table", "device", "--sort", "host"},
       "--sort goes with --table NAME here: 'device' is a page of several tables (see candor "
       "--help)"},
      {{"fleet", "--limit", "3"},
       "--limit goes with --table NAME here: 'fleet' is a page of several tables (see candor "
       "--help)"},
  };
  for (const auto& [words, text] : cases) {
    const CommandLine line = Parse(words);
    INFO(text << "\n" << line.text);
    REQUIRE(line.done);
    REQUIRE(line.exit_code == 2);
    REQUIRE(line.text == text);
  }
  REQUIRE_FALSE(Parse({"fleet", "--where", "os ~ Debian"}).done);
}

TEST_CASE("Whom to ask may stand in front of the command, and behind it wins") {
  const Invocation front =
      Parse({"--credential", "a.toml", "token", "create", "--uses", "7"}).invocation;
  REQUIRE(front.command->name == "token create");
  REQUIRE(front.Value(Flag::kCredential) == "a.toml");
  REQUIRE(front.Value(Flag::kUses) == "7");
  const Invocation both =
      Parse({"--collector=x:1", "--credential", "a.toml", "fleet", "--credential", "b.toml"})
          .invocation;
  REQUIRE(both.Value(Flag::kCollector) == "x:1");
  REQUIRE(both.Value(Flag::kCredential) == "b.toml");
  REQUIRE(Parse({"--limit", "7", "fleet"}).exit_code == 2);
}

TEST_CASE("'device revoke HOST' is not a device called revoke") {
  REQUIRE(Parse({"device", "revoke", "anna"}).invocation.command->kind ==
          CommandKind::kDeviceRevoke);
  REQUIRE(Parse({"device", "anna"}).invocation.command->kind == CommandKind::kQuery);
}

TEST_CASE("Of a flag given twice the last one counts") {
  const CommandLine line = Parse({"devices", "--limit", "5", "--limit", "9"});
  REQUIRE(line.invocation.Value(Flag::kLimit) == "9");
  REQUIRE(line.invocation.Value(Flag::kWhere).empty());
}

TEST_CASE("Wrong usage is exit code 2 and one line that names what is wrong") {
  struct Example {
    std::vector<std::string> words;
    std::string text;
  };
  const std::vector<Example> examples = {
      {{}, "A subcommand is required (see candor --help)"},
      {{"devises"}, "no command 'devises' (did you mean devices, device?) (see candor --help)"},
      {{"device"}, "device needs HOST|ID (see candor --help)"},
      {{"device", "revoke"}, "device revoke needs HOST|ID (see candor --help)"},
      {{"token"}, "A subcommand is required (see candor --help)"},
      {{"token", "revoke"}, "token revoke needs ID (see candor --help)"},
      {{"fleet", "extra"}, "'extra' was not expected (see candor --help)"},
      {{"fleet", "--by", "os"}, "'candor fleet' takes no --by (see candor fleet --help)"},
      {{"fleet", "--by_os"}, "'--by_os' was not expected (see candor --help)"},
      {{"--frobnicate"}, "'--frobnicate' was not expected (see candor --help)"},
      {{"--frobnicate", "fleet"}, "'--frobnicate' was not expected (see candor --help)"},
      {{"devices", "--limit", "x"}, "--limit: 'x' is not a whole number from 0 to 999999999"},
      {{"devices", "--limit", "-3"}, "--limit: '-3' is not a whole number from 0 to 999999999"},
      {{"devices", "--format", "xml"}, "--format: 'xml' is not table, json or csv"},
      {{"token", "create", "--uses", "0"}, "--uses must be at least 1"},
      {{"devices", "--where"}, "--where: 1 required EXPR missing (see candor --help)"},
  };
  for (const Example& example : examples) {
    const CommandLine line = Parse(example.words);
    REQUIRE(line.done);
    REQUIRE(line.exit_code == 2);
    REQUIRE(line.text == example.text);
    REQUIRE_FALSE(Contains(line.text, "\n"));
  }
}

TEST_CASE("Each command has its line in the manual and its own page with every flag") {
  const auto pages = ManualPages();
  REQUIRE(pages.front().first == "candor.1");
  for (const CommandSpec& command : Commands()) {
    INFO(command.name);
    const std::string family(command.name.substr(0, command.name.find(' ')));
    REQUIRE(Contains(pages.front().second, Concat("\\fBcandor ", command.name, "\\fR")));
    const auto page = std::find_if(pages.begin(), pages.end(), [&](const auto& candidate) {
      return candidate.first == "candor-" + family + ".1";
    });
    REQUIRE(page != pages.end());
    for (const Flag flag : command.flags) {
      std::string name(SpecOf(flag).name);
      name.replace(0, 2, "\\-\\-");
      REQUIRE(Contains(page->second, name));
    }
  }
}

TEST_CASE("Manual pages are roff whose text starts no command by accident") {
  for (const auto& [name, text] : ManualPages()) {
    INFO(name);
    REQUIRE(text.starts_with(".TH "));
    for (size_t start = 0; start < text.size();) {
      const size_t end = text.find('\n', start);
      const std::string line = text.substr(start, end - start);
      start = end + 1;
      REQUIRE_FALSE(line.starts_with("'"));
      if (!line.starts_with(".")) continue;
      const std::string macro = line.substr(1, line.find(' ') - 1);
      const bool known = macro == "TH" || macro == "SH" || macro == "SS" || macro == "TP" ||
                         macro == "PP" || macro == "nf" || macro == "fi" || macro == "br";
      REQUIRE(known);
    }
  }
}

TEST_CASE("The completion knows every command and its flags") {
  const std::string script = BashCompletion();
  for (const CommandSpec& command : Commands()) {
    INFO(command.name);
    const size_t at = script.find(Concat("'", command.name, "') flags='"));
    REQUIRE(at != std::string::npos);
    const std::string line = script.substr(at, script.find('\n', at) - at);
    for (const Flag flag : command.flags) REQUIRE(Contains(line, SpecOf(flag).name));
  }
}

}  // namespace
}  // namespace candor
