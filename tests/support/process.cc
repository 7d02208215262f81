#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace candor::testing {
namespace {

constexpr int kLookMs = 50;

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe: no descriptors left");
    read_end = ends[0];
    write_end = ends[1];
  }
};

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentWith(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    if (!added.contains(entry.substr(0, entry.find('=')))) all.push_back(entry);
  }
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  return all;
}

void Feed(int fd, const std::string& input) {
  size_t at = 0;
  while (at < input.size()) {
    const ssize_t written = write(fd, input.data() + at, input.size() - at);
    if (written <= 0) break;
    at += static_cast<size_t>(written);
  }
  close(fd);
}

}  // namespace

struct Process::Streams {
  mutable std::mutex mutex;
  std::condition_variable heard;
  std::string out, err;
  int open = 2;
  // The child ended: a pipe that says nothing more is done with, even if a grandchild holds it.
  std::atomic<bool> ending = false;
  std::array<std::thread, 2> readers;

  void Read(int fd, std::string& into) {
    std::array<char, 4096> buffer;
    for (;;) {
      pollfd ready = {fd, POLLIN, 0};
      const bool last_look = ending;
      const int polled = poll(&ready, 1, kLookMs);
      if (polled == 0 && !last_look) continue;
      const ssize_t got = polled > 0 ? read(fd, buffer.data(), buffer.size()) : 0;
      if (got < 0 && errno == EINTR) continue;
      const std::lock_guard lock(mutex);
      if (got <= 0) {
        --open;
        break;
      }
      into.append(buffer.data(), static_cast<size_t>(got));
      heard.notify_all();
    }
    heard.notify_all();
    close(fd);
  }
};

Process::Process(Command command) : streams_(std::make_unique<Streams>()) {
  Pipe input, output, error;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error.write_end, STDERR_FILENO);
  if (!command.folder.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  }
  std::vector<std::string> environment = EnvironmentWith(command.environment);
  const int failed = posix_spawnp(&pid_, command.words.at(0).c_str(), &actions, nullptr,
                                  Pointers(command.words).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(input.read_end);
  close(output.write_end);
  close(error.write_end);
  if (failed != 0) {
    close(input.write_end);
    close(output.read_end);
    close(error.read_end);
    throw std::runtime_error("cannot start " + command.words[0] + ": " + std::strerror(failed));
  }
  streams_->readers[0] =
      std::thread([this, fd = output.read_end] { streams_->Read(fd, streams_->out); });
  streams_->readers[1] =
      std::thread([this, fd = error.read_end] { streams_->Read(fd, streams_->err); });
  Feed(input.write_end, command.input);
}

Process::~Process() { Wait(0); }

void Process::Reap(bool block) {
  if (exit_code_) return;
  int status = 0;
  if (waitpid(pid_, &status, block ? 0 : WNOHANG) != pid_) return;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Process::running() {
  Reap(false);
  return !exit_code_;
}

void Process::Signal(int signal) {
  if (running()) kill(pid_, signal);
}

std::optional<std::string> Process::WaitForLine(const std::string& text, int64_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  const auto find = [&text](const std::string& said) -> std::optional<std::string> {
    const size_t at = said.find(text);
    if (at == std::string::npos) return std::nullopt;
    const size_t end = said.find('\n', at);
    if (end == std::string::npos) return std::nullopt;
    const size_t before = said.rfind('\n', at);
    const size_t begin = before == std::string::npos ? 0 : before + 1;
    return said.substr(begin, end - begin);
  };
  std::unique_lock lock(streams_->mutex);
  for (;;) {
    if (auto line = find(streams_->err)) return line;
    if (auto line = find(streams_->out)) return line;
    if (streams_->open == 0) return std::nullopt;
    if (streams_->heard.wait_until(lock, deadline) == std::cv_status::timeout) return std::nullopt;
  }
}

Outcome Process::Wait(int64_t timeout_ms) {
  bool timed_out = false;
  {
    // A grandchild may hold the pipes open for longer than the child lives, so this looks at both.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    std::unique_lock lock(streams_->mutex);
    while (running() && !timed_out) {
      streams_->heard.wait_for(lock, std::chrono::milliseconds(5));
      timed_out = std::chrono::steady_clock::now() >= deadline;
    }
  }
  timed_out = timed_out && running();
  if (timed_out) kill(pid_, SIGKILL);
  Reap(true);
  streams_->ending = true;
  for (std::thread& reader : streams_->readers) {
    if (reader.joinable()) reader.join();
  }
  return {timed_out ? -1 : *exit_code_, streams_->out, streams_->err};
}

std::string Process::out() const {
  const std::lock_guard lock(streams_->mutex);
  return streams_->out;
}

std::string Process::err() const {
  const std::lock_guard lock(streams_->mutex);
  return streams_->err;
}

Outcome RunProgram(const std::vector<std::string>& words, int64_t timeout_ms,
                   const std::map<std::string, std::string>& environment) {
  Process process({.words = words, .environment = environment});
  return process.Wait(timeout_ms);
}

std::optional<std::string> FieldOf(const std::string& line, const std::string& key) {
  const std::string wanted = key + "=";
  size_t at = 0;
  while ((at = line.find(wanted, at)) != std::string::npos) {
    if (at == 0 || line[at - 1] == ' ') {
      const size_t begin = at + wanted.size();
      return line.substr(begin, line.find_first_of(" \n", begin) - begin);
    }
    at += wanted.size();
  }
  return std::nullopt;
}

}  // namespace candor::testing
