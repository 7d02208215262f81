// A D-Bus connection served by an io_context: whoever uses it queues calls and matches with
// sd-bus's asynchronous functions and is called back from the loop. Nothing here waits. Time-outs
// of calls are noticed when Process is called; the loop itself sets no timer, so that a connection
// on which nothing comes costs no wakeup. One thread.
#pragma once

#include <systemd/sd-bus.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/samplers/support/bus_message.h"

namespace candor {

class BusLoop {
 public:
  // The bus of the person's session, or the one at a D-Bus address. `on_lost` is told once, from
  // the loop, when the connection is gone; the object may be destroyed in it. Unavailable where
  // nobody listens.
  static absl::StatusOr<std::unique_ptr<BusLoop>> OpenSession(boost::asio::io_context& io,
                                                              std::function<void()> on_lost);
  static absl::StatusOr<std::unique_ptr<BusLoop>> OpenAddress(boost::asio::io_context& io,
                                                              const std::string& address,
                                                              std::function<void()> on_lost);
  ~BusLoop();

  sd_bus* bus() const;

  // A call of a method without arguments; nobody is started for it. `then` gets `self`. A call
  // that sd-bus does not take gives an empty slot, and `then` is not called.
  BusSlot Call(const char* service, const char* path, const char* interface, const char* member,
               uint64_t timeout_us, sd_bus_message_handler_t then, void* self);
  // The same for a message that was put together outside.
  BusSlot Send(sd_bus_message* message, uint64_t timeout_us, sd_bus_message_handler_t then,
               void* self);

  // What came, and calls whose time is over.
  void Process();

 private:
  struct State;
  explicit BusLoop(std::shared_ptr<State> state);
  static absl::StatusOr<std::unique_ptr<BusLoop>> Serve(boost::asio::io_context& io, sd_bus* bus,
                                                        std::function<void()> on_lost);

  std::shared_ptr<State> state_;
};

}  // namespace candor
