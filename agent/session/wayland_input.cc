// The little of Wayland's wire protocol that asking for idleness takes: words of 32 bits in the
// machine's order, a message being its object, its length and number, and its arguments
// (https://wayland.freedesktop.org/docs/html/ch04.html). Compositor's objects and numbers as in the
// protocols' own definitions.

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "agent/samplers/support/text.h"
#include "agent/session/input_watch.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

constexpr size_t kWord = sizeof(uint32_t);
constexpr size_t kHeader = 2 * kWord;
constexpr size_t kReadBytes = 4'096;
constexpr std::string_view kNotifier = "ext_idle_notifier_v1";
constexpr std::string_view kOldNotifier = "org_kde_kwin_idle";
constexpr std::string_view kSeat = "wl_seat";
// From this version on a video that keeps the screen on does not count as input.
constexpr uint32_t kInputOnlyVersion = 2;

enum Id : uint32_t {
  kDisplayId = 1,
  kRegistryId,
  kListedId,
  kSeatId,
  kNotifierId,
  kNotificationId,
};

enum Request : uint32_t {
  kDisplaySync = 0,
  kDisplayGetRegistry = 1,
  kRegistryBind = 0,
  kOldNotifierGet = 0,
  kNotifierGet = 1,
  kNotifierGetInputOnly = 2,
};

enum Event : uint32_t {
  kDisplayError = 0,
  kRegistryGlobal = 0,
  kListedDone = 0,
  kNotificationIdled = 0,
  kNotificationResumed = 1,
};

uint32_t WordAt(std::span<const char> bytes, size_t at) {
  uint32_t word = 0;
  if (at + kWord <= bytes.size()) std::memcpy(&word, bytes.data() + at, kWord);
  return word;
}

void AddWord(std::string& to, uint32_t word) {
  to.append(reinterpret_cast<const char*>(&word), kWord);
}

// Text goes with its length, a zero at its end, and up to three bytes to the next word.
size_t Padded(size_t bytes) { return (bytes + kWord - 1) / kWord * kWord; }

void AddText(std::string& to, std::string_view text) {
  AddWord(to, static_cast<uint32_t>(text.size() + 1));
  to.append(text);
  to.append(Padded(text.size() + 1) - text.size(), '\0');
}

std::string Message(uint32_t object, uint32_t number, const std::string& arguments) {
  std::string message;
  AddWord(message, object);
  AddWord(message, static_cast<uint32_t>(kHeader + arguments.size()) << 16U | number);
  return message + arguments;
}

std::string Words(std::initializer_list<uint32_t> words) {
  std::string text;
  for (const uint32_t word : words) AddWord(text, word);
  return text;
}

// Something that the compositor offers, under the number that it has there.
struct Global {
  uint32_t number = 0;
  uint32_t version = 0;
};

class WaylandInput final : public InputWatch {
 public:
  WaylandInput(asio::io_context& io, Told told) : told_(std::move(told)), socket_(io) {}

  absl::Status Connect(const std::string& path) {
    error_code error;
    socket_.connect(Protocol::endpoint(path), error);
    if (error) return absl::UnavailableError(Concat(path, ": ", error.message()));
    Send(Message(kDisplayId, kDisplayGetRegistry, Words({kRegistryId})) +
         Message(kDisplayId, kDisplaySync, Words({kListedId})));
    Read();
    return absl::OkStatus();
  }

 private:
  // A few hundred bytes in all, which a socket always takes.
  void Send(const std::string& bytes) {
    error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
  }

  void Read() {
    socket_.async_read_some(asio::buffer(chunk_), [this](error_code error, size_t bytes) {
      if (error == asio::error::operation_aborted) return;
      if (error || !Take({chunk_.data(), bytes})) return told_.end();
      Read();
    });
  }

  // False where the compositor says that something was wrong, or something that is no message.
  bool Take(std::span<const char> bytes) {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
    std::span<const char> left(pending_);
    bool sound = true;
    while (sound && left.size() >= kHeader) {
      const uint32_t kind = WordAt(left, kWord);
      const size_t length = kind >> 16U;
      sound = length >= kHeader;
      if (!sound || left.size() < length) break;
      sound = Tell(WordAt(left, 0), kind & 0xffffU, left.subspan(kHeader, length - kHeader));
      left = left.subspan(length);
    }
    pending_.assign(left.begin(), left.end());
    return sound;
  }

  bool Tell(uint32_t object, uint32_t number, std::span<const char> arguments) {
    if (object == kDisplayId) return number != kDisplayError;
    if (object == kRegistryId && number == kRegistryGlobal) Learn(arguments);
    if (object == kListedId && number == kListedDone) Ask();
    if (object == kNotificationId && number == kNotificationIdled) told_.idle(true);
    if (object == kNotificationId && number == kNotificationResumed) told_.idle(false);
    return true;
  }

  // Its number, the name of its interface, its version.
  void Learn(std::span<const char> arguments) {
    const size_t length = WordAt(arguments, kWord);
    if (length == 0 || arguments.size() < kHeader + Padded(length) + kWord) return;
    const std::string_view name(arguments.data() + kHeader, length - 1);
    const Global global{WordAt(arguments, 0), WordAt(arguments, kHeader + Padded(length))};
    if (name == kNotifier) notifier_ = global;
    if (name == kOldNotifier) old_notifier_ = global;
    if (name == kSeat && seat_.number == 0) seat_ = global;
  }

  static std::string Bind(const Global& global, std::string_view interface, uint32_t version,
                          uint32_t id) {
    std::string arguments = Words({global.number});
    AddText(arguments, interface);
    return Message(kRegistryId, kRegistryBind, arguments + Words({version, id}));
  }

  void Ask() {
    const bool newer = notifier_.number != 0;
    const bool able = seat_.number != 0 && (newer || old_notifier_.number != 0);
    if (able) {
      const uint32_t version = newer ? std::min(notifier_.version, kInputOnlyVersion) : 1;
      const auto ms = static_cast<uint32_t>(kIdleMs);
      std::string get = Words({kNotificationId, kSeatId, ms});
      uint32_t request = kOldNotifierGet;
      if (newer) {
        get = Words({kNotificationId, ms, kSeatId});
        request = version < kInputOnlyVersion ? kNotifierGet : kNotifierGetInputOnly;
      }
      Send(Bind(seat_, kSeat, 1, kSeatId) +
           Bind(newer ? notifier_ : old_notifier_, newer ? kNotifier : kOldNotifier, version,
                kNotifierId) +
           Message(kNotifierId, request, get));
    }
    told_.able(able);
  }

  const Told told_;
  Protocol::socket socket_;
  std::array<char, kReadBytes> chunk_{};
  std::vector<char> pending_;  // a message's beginning: less than its 64 KiB at most
  Global seat_;
  Global notifier_;
  Global old_notifier_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<InputWatch>> InputWatch::OpenWayland(asio::io_context& io,
                                                                    const std::string& path,
                                                                    Told told) {
  auto input = std::make_unique<WaylandInput>(io, std::move(told));
  if (absl::Status status = input->Connect(path); !status.ok()) return status;
  return input;
}

}  // namespace candor
