#include "common/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

namespace candor {

std::string UsageMistake(const CLI::App& app, const CLI::ParseError& error) {
  const auto code = static_cast<CLI::ExitCodes>(error.get_exit_code());
  const std::vector<std::string> unknown = app.remaining(true);
  std::string message;
  if (!unknown.empty() &&
      (code == CLI::ExitCodes::ExtrasError || code == CLI::ExitCodes::RequiredError)) {
    message = "'" + unknown.front() + "' was not expected";
  } else {
    message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
  }
  return message + " (see " + app.get_name() + " --help)";
}

}  // namespace candor
