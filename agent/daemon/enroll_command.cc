#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "agent/daemon/commands.h"
#include "agent/daemon/control_client.h"
#include "agent/daemon/uplink_process.h"
#include "candor/v1/local.pb.h"
#include "common/status.h"

namespace candor {
namespace {

std::vector<std::string> UplinkWords(const std::string& program, const AgentSettings& settings,
                                     const EnrollArguments& arguments) {
  std::vector<std::string> words = {program,
                                    "enroll",
                                    "--collector",
                                    arguments.collector,
                                    "--token-file",
                                    arguments.token_file,
                                    "--ca-fingerprint",
                                    arguments.ca_fingerprint,
                                    "--state",
                                    settings.uplink_folder()};
  for (const std::string& label : arguments.labels) {
    words.insert(words.end(), {"--label", label});
  }
  if (arguments.again) words.push_back("--again");
  return words;
}

absl::StatusOr<int> RunToEnd(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  const int error = posix_spawn(&child, words[0].c_str(), nullptr, nullptr, argv.data(), environ);
  if (error != 0) return ErrnoStatus(error, "cannot start " + words[0]);
  int state = 0;
  while (::waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "waiting for " + words[0]);
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}

}  // namespace

absl::StatusOr<std::string> OwnPath() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return absl::NotFoundError("/proc/self/exe: " + error.message());
  return path.string();
}

absl::StatusOr<int> RunEnroll(const AgentSettings& settings, const EnrollArguments& arguments,
                              const std::string& own_path) {
  std::string program = settings.uplink_program;
  if (program.empty()) {
    CANDOR_ASSIGN_OR_RETURN(program, FindUplinkProgram(own_path));
  }
  CANDOR_ASSIGN_OR_RETURN(const int exit_code, RunToEnd(UplinkWords(program, settings, arguments)));
  if (exit_code == 0) {
    // A daemon that was waiting for this need not find out by itself.
    v1::ControlRequest request;
    request.mutable_push();
    AskDaemon(settings.control_socket(), request, [](const v1::ControlReply&) {}).IgnoreError();
  }
  return exit_code;
}

}  // namespace candor
