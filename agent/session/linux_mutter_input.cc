#include <utility>

#include "agent/session/input_watch.h"

namespace candor {
namespace {

constexpr char kMonitor[] = "org.gnome.Mutter.IdleMonitor";
constexpr char kCore[] = "/org/gnome/Mutter/IdleMonitor/Core";

// The id of a watch; 0, which Mutter never gives, where there is none.
uint32_t WatchIn(sd_bus_message* reply) {
  uint32_t id = 0;
  if (sd_bus_message_get_error(reply) != nullptr || sd_bus_message_read(reply, "u", &id) < 0) {
    return 0;
  }
  return id;
}

class MutterInput final : public InputWatch {
 public:
  MutterInput(BusLoop& session, Told told) : session_(session), told_(std::move(told)) {
    sd_bus_slot* slot = nullptr;
    sd_bus_match_signal_async(session_.bus(), &slot, kMonitor, kCore, kMonitor, "WatchFired",
                              OnFired, nullptr, this);
    fired_.reset(slot);
    sd_bus_message* raw = nullptr;
    int r = sd_bus_message_new_method_call(session_.bus(), &raw, kMonitor, kCore, kMonitor,
                                           "AddIdleWatch");
    const BusMessage message(raw);
    if (r >= 0) r = sd_bus_message_append(raw, "t", static_cast<uint64_t>(kIdleMs));
    if (r >= 0) asked_ = session_.Send(raw, UINT64_MAX, OnIdleWatch, this);
  }

 private:
  static int OnIdleWatch(sd_bus_message* reply, void* of, sd_bus_error*) {
    auto& self = *static_cast<MutterInput*>(of);
    self.idle_watch_ = WatchIn(reply);
    self.told_.able(self.idle_watch_ != 0);
    return 0;
  }

  static int OnActiveWatch(sd_bus_message* reply, void* of, sd_bus_error*) {
    static_cast<MutterInput*>(of)->active_watch_ = WatchIn(reply);
    return 0;
  }

  // A watch for idleness stays; one for activity fires once.
  static int OnFired(sd_bus_message* signal, void* of, sd_bus_error*) {
    auto& self = *static_cast<MutterInput*>(of);
    const uint32_t id = WatchIn(signal);
    if (id == 0) return 0;
    if (id == self.idle_watch_) {
      self.asked_ = self.session_.Call(kMonitor, kCore, kMonitor, "AddUserActiveWatch", UINT64_MAX,
                                       OnActiveWatch, &self);
      self.told_.idle(true);
    } else if (id == self.active_watch_) {
      self.active_watch_ = 0;
      self.told_.idle(false);
    }
    return 0;
  }

  BusLoop& session_;
  const Told told_;
  BusSlot fired_;
  BusSlot asked_;
  uint32_t idle_watch_ = 0;
  uint32_t active_watch_ = 0;
};

}  // namespace

std::unique_ptr<InputWatch> InputWatch::OpenMutter(BusLoop& session, Told told) {
  return std::make_unique<MutterInput>(session, std::move(told));
}

}  // namespace candor
