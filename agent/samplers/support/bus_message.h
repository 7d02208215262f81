// What sd-bus hands out, owned.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>

namespace candor {

struct BusMessageDrop {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using BusMessage = std::unique_ptr<sd_bus_message, BusMessageDrop>;

// Whatever sd-bus keeps for a call or a match; its end withdraws the callback.
struct BusSlotDrop {
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using BusSlot = std::unique_ptr<sd_bus_slot, BusSlotDrop>;

}  // namespace candor
