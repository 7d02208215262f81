// logind's announcements that the machine goes to sleep and has woken up (PrepareForSleep), over a
// connection of its own to the system bus that hears nothing else. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace candor {

class SleepSignals {
 public:
  // true: about to sleep; false: awake again.
  using Listener = std::function<void(bool to_sleep)>;

  // The bus listens on the Unix socket `socket_path`. Unavailable where there is none. The listener
  // is called from the context's thread, never after the object's end.
  static absl::StatusOr<std::unique_ptr<SleepSignals>> Open(boost::asio::io_context& io,
                                                            const std::string& socket_path,
                                                            Listener listener);
  ~SleepSignals();
  SleepSignals(const SleepSignals&) = delete;
  SleepSignals& operator=(const SleepSignals&) = delete;

  // False once the connection was lost.
  bool alive() const;

 private:
  struct State;
  explicit SleepSignals(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace candor
