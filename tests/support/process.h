// Programs of the project as child processes of a test: started, listened to, ended. A child that
// is still running goes with its object. Only own children are ever signalled, by their id.
//
// Each Process reads its child's output on threads of its own; methods may be called by one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace candor::testing {

struct Outcome {
  int exit_code = -1;  // 128 + signal where a signal ended it, -1 where time ran out
  std::string out;
  std::string err;
};

class Process {
 public:
  struct Command {
    std::vector<std::string> words = {};                  // program and arguments
    std::map<std::string, std::string> environment = {};  // added to the test's own
    std::string folder = {};                              // working folder; empty: the test's
    std::string input = {};                               // given on standard input, then closed
  };

  // Throws std::runtime_error when it cannot be started.
  explicit Process(Command command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Waits for a line of standard error or output that holds `text`; nothing when the child ended or
  // time ran out.
  std::optional<std::string> WaitForLine(const std::string& text, int64_t timeout_ms);
  void Signal(int signal);
  // Waits for its end; it is killed when time runs out.
  Outcome Wait(int64_t timeout_ms);
  bool running();
  // Everything said so far.
  std::string out() const;
  std::string err() const;

 private:
  struct Streams;
  void Reap(bool block);
  std::unique_ptr<Streams> streams_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

// Runs a program to its end.
Outcome RunProgram(const std::vector<std::string>& words, int64_t timeout_ms = 60'000,
                   const std::map<std::string, std::string>& environment = {});

// "key=value" in a line of log, or nothing.
std::optional<std::string> FieldOf(const std::string& line, const std::string& key);

}  // namespace candor::testing
