#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/samplers/support/text.h"
#include "agent/session/accessibility.h"
#include "common/files.h"
#include "common/log.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr char kLauncher[] = "org.a11y.Bus";
constexpr char kLauncherPath[] = "/org/a11y/bus";
constexpr char kStatus[] = "org.a11y.Status";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";
constexpr char kRegistry[] = "org.a11y.atspi.Registry";
constexpr char kRoot[] = "/org/a11y/atspi/accessible/root";
constexpr char kAccessible[] = "org.a11y.atspi.Accessible";
constexpr char kBus[] = "org.freedesktop.DBus";
constexpr char kBusPath[] = "/org/freedesktop/DBus";
constexpr uint32_t kActive = 1U << 1U;  // ATSPI_STATE_ACTIVE, of the first word of states

constexpr uint64_t kForEver = UINT64_MAX;
constexpr uint64_t kSearchUsMax = 2'000'000;
constexpr int64_t kSearchWaitUsMin = kUsPerSecond;
constexpr int64_t kSearchWaitUsMax = 8 * kUsPerSecond;
// Nobody looked for longer than this: there was no input, and another window may be in front.
constexpr int64_t kLookedUsMax = 2 * kUsPerSecond;
constexpr std::string_view kCompositor = "gnome-shell";

struct Object {
  std::string service;
  std::string path;
};

// A reply a(so), at most `max` of it.
std::vector<Object> ReadObjects(sd_bus_message* reply, size_t max) {
  std::vector<Object> objects;
  if (sd_bus_message_enter_container(reply, 'a', "(so)") < 0) return objects;
  const char* service = nullptr;
  const char* path = nullptr;
  while (objects.size() < max && sd_bus_message_read(reply, "(so)", &service, &path) > 0) {
    objects.push_back({service, path});
  }
  return objects;
}

// A reply au: the words of a set of bits.
bool SaysActive(sd_bus_message* reply) {
  const void* words = nullptr;
  size_t bytes = 0;
  uint32_t first = 0;
  if (sd_bus_message_read_array(reply, 'u', &words, &bytes) < 0 || bytes < sizeof(first)) {
    return false;
  }
  std::memcpy(&first, words, sizeof(first));
  return (first & kActive) != 0;
}

// The other end ended, or is not there any more.
bool IsGone(const sd_bus_error& error) {
  return sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY) != 0 ||
         sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) != 0 ||
         sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) != 0 ||
         sd_bus_error_has_name(&error, SD_BUS_ERROR_DISCONNECTED) != 0;
}

class Applications final : public Accessibility {
 public:
  Applications(boost::asio::io_context& io, BusLoop& session, AccessibleListener& listener)
      : io_(io), session_(session), listener_(listener) {
    Match(kLauncher, kLauncherPath, kProperties, "PropertiesChanged", changed_);
    sd_bus_slot* slot = nullptr;
    const std::string owner = Concat("type='signal',sender='", kBus, "',member='NameOwnerChanged',",
                                     "arg0='", kLauncher, "'");
    sd_bus_add_match_async(session_.bus(), &slot, owner.c_str(), OnLauncherChanged, nullptr, this);
    appeared_.reset(slot);
    AskStatus();
  }

  bool on() const override { return bus_ != nullptr; }

  void Look(int64_t now_us) override {
    if (bus_ == nullptr) return;
    if (now_us - now_us_ > kLookedUsMax) search_wait_us_ = kSearchWaitUsMin;
    now_us_ = now_us;
    bus_->Process();
    if (bus_ == nullptr || searches_ > 0) return;
    const Application* front = Front();
    if (front != nullptr && front->question == nullptr) return;
    const int64_t wait_us = front != nullptr ? kSearchWaitUsMin : search_wait_us_;
    if (now_us - searched_us_ >= wait_us) Search();
  }

  void Ask(uint32_t id, uint32_t token) override {
    for (auto& [service, application] : applications_) {
      if (application.id != id || bus_ == nullptr) continue;
      application.token = token;
      if (application.question != nullptr) return;
      application.question = bus_->Call(service.c_str(), application.window.c_str(), kAccessible,
                                        "GetState", kForEver, OnAnswer, &application);
      return;
    }
  }

 private:
  struct Application {
    Applications* all = nullptr;
    std::string service;
    uint32_t id = 0;
    pid_t pid = 0;  // 0: not known yet
    bool is_compositor = false;
    std::string window;  // the one that was in front last
    uint32_t token = 0;
    BusSlot question;
    // Of a search: who it is, its windows, and their states.
    BusSlot who;
    BusSlot windows;
    struct State {
      Application* application = nullptr;
      std::string path;
      BusSlot slot;
    };
    std::vector<std::unique_ptr<State>> states;

    int OpenSearches() const {
      int open = (who != nullptr ? 1 : 0) + (windows != nullptr ? 1 : 0);
      for (const auto& state : states) open += state->slot != nullptr ? 1 : 0;
      return open;
    }
  };

  Application* Front() {
    const auto at = applications_.find(front_);
    return at == applications_.end() ? nullptr : &at->second;
  }

  // Whether accessibility is on -----------------------------------------------------------------

  void Match(const char* sender, const char* path, const char* interface, const char* member,
             BusSlot& into) {
    sd_bus_slot* slot = nullptr;
    sd_bus_match_signal_async(session_.bus(), &slot, sender, path, interface, member,
                              OnLauncherChanged, nullptr, this);
    into.reset(slot);
  }

  void AskStatus() {
    sd_bus_message* raw = nullptr;
    int r = sd_bus_message_new_method_call(session_.bus(), &raw, kLauncher, kLauncherPath,
                                           kProperties, "GetAll");
    const BusMessage message(raw);
    if (r >= 0) r = sd_bus_message_append(raw, "s", kStatus);
    if (r >= 0) status_ = session_.Send(raw, kForEver, OnStatus, this);
  }

  static int OnLauncherChanged(sd_bus_message*, void* self, sd_bus_error*) {
    static_cast<Applications*>(self)->AskStatus();
    return 0;
  }

  static int OnStatus(sd_bus_message* reply, void* self, sd_bus_error*) {
    auto& all = *static_cast<Applications*>(self);
    const bool wanted = sd_bus_message_get_error(reply) == nullptr && ReadSwitch(reply);
    if (wanted && all.bus_ == nullptr) {
      all.address_ = all.session_.Call(kLauncher, kLauncherPath, kLauncher, "GetAddress", kForEver,
                                       OnAddress, &all);
    } else if (!wanted) {
      all.Leave();
    }
    return 0;
  }

  // a{sv}, of which one of two booleans must be true.
  static bool ReadSwitch(sd_bus_message* reply) {
    bool is_on = false;
    if (sd_bus_message_enter_container(reply, 'a', "{sv}") < 0) return false;
    while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
      const char* name = nullptr;
      int value = 0;
      if (sd_bus_message_read(reply, "s", &name) < 0) return false;
      const std::string_view what = name;
      if (what == "IsEnabled" || what == "ScreenReaderEnabled") {
        if (sd_bus_message_read(reply, "v", "b", &value) < 0) return false;
      } else if (sd_bus_message_skip(reply, "v") < 0) {
        return false;
      }
      is_on = is_on || value != 0;
      if (sd_bus_message_exit_container(reply) < 0) return false;
    }
    return is_on;
  }

  static int OnAddress(sd_bus_message* reply, void* self, sd_bus_error*) {
    auto& all = *static_cast<Applications*>(self);
    const char* address = nullptr;
    if (sd_bus_message_get_error(reply) != nullptr ||
        sd_bus_message_read(reply, "s", &address) < 0) {
      return 0;
    }
    auto bus = BusLoop::OpenAddress(all.io_, address, [&all] { all.Leave(); });
    if (!bus.ok()) {
      LogWarning("the accessibility bus is not reached", {{"reason", MessageOf(bus.status())}});
      return 0;
    }
    all.bus_ = *std::move(bus);
    all.searched_us_ = 0;
    all.listener_.OnAccessibility(true);
    return 0;
  }

  void Leave() {
    if (bus_ == nullptr) return;
    SetFront({});
    for (const auto& [service, application] : applications_) {
      listener_.OnAccessibleGone(application.id);
    }
    applications_.clear();
    children_.reset();
    searches_ = 0;
    bus_.reset();
    listener_.OnAccessibility(false);
  }

  // Who is in front -----------------------------------------------------------------------------

  void Search() {
    searched_us_ = now_us_;
    found_ = false;
    children_ =
        bus_->Call(kRegistry, kRoot, kAccessible, "GetChildren", kSearchUsMax, OnChildren, this);
    if (children_ != nullptr) ++searches_;
  }

  // One of the search's questions has its answer, or will have none.
  void Searched() {
    if (--searches_ > 0) return;
    search_wait_us_ = found_ ? kSearchWaitUsMin : std::min(2 * search_wait_us_, kSearchWaitUsMax);
    if (found_) return;
    const Application* front = Front();
    if (front == nullptr || front->question == nullptr) SetFront({});
  }

  void SetFront(const std::string& service) {
    if (front_ == service) return;
    front_ = service;
    const Application* front = Front();
    if (front == nullptr) return listener_.OnAccessibleFront(std::nullopt);
    listener_.OnAccessibleFront(AccessibleApplication{front->id, front->pid});
  }

  void Forget(const std::string& service) {
    const auto at = applications_.find(service);
    if (at == applications_.end()) return;
    const uint32_t id = at->second.id;
    searches_ -= at->second.OpenSearches();
    if (front_ == service) front_.clear();
    applications_.erase(at);
    listener_.OnAccessibleGone(id);
  }

  static int OnChildren(sd_bus_message* reply, void* self, sd_bus_error*) {
    auto& all = *static_cast<Applications*>(self);
    all.children_.reset();
    if (sd_bus_message_get_error(reply) == nullptr) {
      const std::vector<Object> children = ReadObjects(reply, kApplicationsMax);
      std::set<std::string> present;
      for (const Object& child : children) present.insert(child.service);
      all.Keep(present);
      for (const std::string& service : present) all.LookAt(service);
    }
    all.Searched();
    return 0;
  }

  // Applications that are gone and owe no answer; the bus itself tells of the others.
  void Keep(const std::set<std::string>& present) {
    std::vector<std::string> gone;
    for (const auto& [service, application] : applications_) {
      if (!present.contains(service) && application.question == nullptr) gone.push_back(service);
    }
    for (const std::string& service : gone) Forget(service);
  }

  void LookAt(const std::string& service) {
    if (!applications_.contains(service) && applications_.size() >= kApplicationsMax) return;
    Application& application = applications_[service];
    if (application.all == nullptr) {
      application.all = this;
      application.service = service;
      application.id = next_id_;
      next_id_ = std::max(next_id_ + 1, kFirstId);
    }
    if (application.question != nullptr) return;
    if (application.pid != 0) return AskWindows(application);
    sd_bus_message* raw = nullptr;
    int r = sd_bus_message_new_method_call(bus_->bus(), &raw, kBus, kBusPath, kBus,
                                           "GetConnectionUnixProcessID");
    const BusMessage message(raw);
    if (r >= 0) r = sd_bus_message_append(raw, "s", service.c_str());
    if (r >= 0) application.who = bus_->Send(raw, kSearchUsMax, OnWho, &application);
    if (application.who != nullptr) ++searches_;
  }

  static int OnWho(sd_bus_message* reply, void* of, sd_bus_error*) {
    auto& application = *static_cast<Application*>(of);
    application.who.reset();
    uint32_t pid = 0;
    if (sd_bus_message_get_error(reply) == nullptr && sd_bus_message_read(reply, "u", &pid) >= 0) {
      application.pid = static_cast<pid_t>(pid);
      const auto name = ReadFile(Concat("/proc/", std::to_string(pid), "/comm"));
      application.is_compositor = name.ok() && Trim(*name) == kCompositor;
      application.all->AskWindows(application);
    }
    application.all->Searched();
    return 0;
  }

  void AskWindows(Application& application) {
    if (application.is_compositor) return;
    application.windows = bus_->Call(application.service.c_str(), kRoot, kAccessible, "GetChildren",
                                     kSearchUsMax, OnWindows, &application);
    if (application.windows != nullptr) ++searches_;
  }

  static int OnWindows(sd_bus_message* reply, void* of, sd_bus_error*) {
    auto& application = *static_cast<Application*>(of);
    Applications& all = *application.all;
    application.windows.reset();
    application.states.clear();
    if (sd_bus_message_get_error(reply) == nullptr) {
      for (Object& window : ReadObjects(reply, kWindowsMax)) {
        auto state = std::make_unique<Application::State>();
        state->application = &application;
        state->path = std::move(window.path);
        state->slot = all.bus_->Call(application.service.c_str(), state->path.c_str(), kAccessible,
                                     "GetState", kSearchUsMax, OnState, state.get());
        if (state->slot == nullptr) continue;
        ++all.searches_;
        application.states.push_back(std::move(state));
      }
    }
    all.Searched();
    return 0;
  }

  static int OnState(sd_bus_message* reply, void* of, sd_bus_error*) {
    auto& state = *static_cast<Application::State*>(of);
    state.slot.reset();
    Application& application = *state.application;
    Applications& all = *application.all;
    const bool active = sd_bus_message_get_error(reply) == nullptr && SaysActive(reply);
    if (active && !all.found_) {
      all.found_ = true;
      application.window = state.path;
      all.SetFront(application.service);
    }
    all.Searched();
    return 0;
  }

  // Whether it answers --------------------------------------------------------------------------

  static int OnAnswer(sd_bus_message* reply, void* of, sd_bus_error*) {
    auto& application = *static_cast<Application*>(of);
    Applications& all = *application.all;
    application.question.reset();
    const sd_bus_error* error = sd_bus_message_get_error(reply);
    if (error != nullptr && IsGone(*error)) {
      all.Forget(std::string(application.service));
      if (all.searches_ == 0) all.Search();
      return 0;
    }
    // A window that is closed by now has been an answer of its application's all the same.
    all.listener_.OnAccessibleAnswer(application.id, application.token);
    const bool active = error == nullptr && SaysActive(reply);
    if (!active && all.front_ == application.service && all.searches_ == 0) all.Search();
    return 0;
  }

  boost::asio::io_context& io_;
  BusLoop& session_;
  AccessibleListener& listener_;
  std::unique_ptr<BusLoop> bus_;
  BusSlot changed_;
  BusSlot appeared_;
  BusSlot status_;
  BusSlot address_;
  BusSlot children_;
  std::map<std::string, Application> applications_;  // by name on the bus
  std::string front_;                                // empty: none is known
  uint32_t next_id_ = kFirstId;
  int64_t now_us_ = 0;
  int64_t searched_us_ = 0;
  int64_t search_wait_us_ = kSearchWaitUsMin;
  int searches_ = 0;  // questions of the search that runs
  bool found_ = false;
};

}  // namespace

std::unique_ptr<Accessibility> Accessibility::Start(boost::asio::io_context& io, BusLoop& session,
                                                    AccessibleListener& listener) {
  return std::make_unique<Applications>(io, session, listener);
}

}  // namespace candor
