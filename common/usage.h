// What a program says about arguments that it does not understand: one line, for exit code 2. All
// programs say it alike.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace candor {

// "'--frobnicate' was not expected (see candor-agent --help)", for an error that `app.parse` threw
// and that is no request for help or version. A word that nobody knows is named before anything
// that is missing: it is most likely what was meant to be there.
std::string UsageMistake(const CLI::App& app, const CLI::ParseError& error);

}  // namespace candor
