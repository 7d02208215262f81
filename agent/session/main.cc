// candor-session: wiring only.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/session/session.h"
#include "common/log.h"
#include "common/standard_output.h"
#include "common/status.h"
#include "common/usage.h"
#include "common/version.h"

namespace {

int Main(int argc, char** argv) {
  candor::SessionOptions options;
  CLI::App app{
      "Candor's helper in a desktop session: measures how quickly the windows in front of a person "
      "answer, and how long programs take to start. Titles, contents and keys are never looked at. "
      "Hands what it measured to candor-agent on this machine.",
      "candor-session"};
  app.set_version_flag("--version", std::string(candor::kVersion));
  app.add_option("--agent-socket", options.agent_socket, "Where candor-agent listens")
      ->type_name("PATH")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "candor-session: %s\n", candor::UsageMistake(app, error).c_str());
    return 2;
  }
  const auto environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  options.desktop = {.display = environment("DISPLAY"),
                     .wayland_display = environment("WAYLAND_DISPLAY"),
                     .session_type = environment("XDG_SESSION_TYPE"),
                     .desktop = environment("XDG_CURRENT_DESKTOP"),
                     .runtime_folder = environment("XDG_RUNTIME_DIR")};
  options.state_folder = environment("XDG_STATE_HOME");
  if (options.state_folder.empty() && !environment("HOME").empty()) {
    options.state_folder = environment("HOME") + "/.local/state";
  }
  candor::InitLog(candor::LogLevel::kInfo);
  const absl::Status status = candor::RunSession(options);
  if (absl::IsAlreadyExists(status)) {
    candor::LogInfo(std::string(candor::MessageOf(status)));
    return 0;
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "candor-session: %s\n", std::string(candor::MessageOf(status)).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return candor::FinishOutput("candor-session", Main(argc, argv));
}
