// Input as compositors tell of it, against one end of a real socket: what is asked of which
// compositor, byte by byte, and what its words mean. A real compositor answers in
// tests/laptop/wayland_session_test.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "agent/session/input_watch.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

std::string Words(const std::vector<uint32_t>& words) {
  std::string bytes(words.size() * sizeof(uint32_t), '\0');
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

// A message of Wayland's: its object, its length and number, its arguments.
std::string Message(uint32_t object, uint32_t number, const std::string& arguments = {}) {
  return Words({object, static_cast<uint32_t>(8 + arguments.size()) << 16U | number}) + arguments;
}

// Padded with zeros to whole words, of which there is at least one.
std::string Text(const std::string& text) {
  std::string padded = text + '\0';
  while (padded.size() % 4 != 0) padded += '\0';
  return Words({static_cast<uint32_t>(text.size() + 1)}) + padded;
}

std::string Global(uint32_t number, const std::string& interface, uint32_t version) {
  return Message(2, 0, Words({number}) + Text(interface) + Words({version}));
}

const std::string kListed = Message(3, 0, Words({0}));

class Compositor {
 public:
  Compositor() : acceptor_(io_, Protocol::endpoint(path())), socket_(io_) {
    auto input =
        InputWatch::OpenWayland(io_, path(),
                                {.able = [this](bool able) { told.push_back(able ? 'A' : 'a'); },
                                 .idle = [this](bool idle) { told.push_back(idle ? 'I' : 'i'); },
                                 .end = [this] { told.push_back('E'); }});
    REQUIRE_OK(input);
    input_ = *std::move(input);
    acceptor_.accept(socket_);
    CHECK(Hear(12 + 12) == Message(1, 1, Words({2})) + Message(1, 0, Words({3})));
  }
  std::string path() const { return folder_.File("wayland-0"); }

  void Say(const std::string& bytes) {
    asio::write(socket_, asio::buffer(bytes));
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
  }
  std::string Hear(size_t bytes) {
    std::string heard(bytes, '\0');
    asio::read(socket_, asio::buffer(heard));
    return heard;
  }
  bool SaysMore() const { return socket_.available() > 0; }
  void End() {
    socket_.close();
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
  }

  std::string told;

 private:
  testing::TempFolder folder_;
  asio::io_context io_;
  Protocol::acceptor acceptor_;
  Protocol::socket socket_;
  std::unique_ptr<InputWatch> input_;
};

std::string Bound(uint32_t number, const std::string& interface, uint32_t version, uint32_t id) {
  return Message(2, 0, Words({number}) + Text(interface) + Words({version, id}));
}

TEST_CASE("Wayland input: each compositor is asked in the newest way it knows") {
  struct Case {
    std::string globals;
    std::string asked;
  };
  const auto at = GENERATE(0, 1, 2, 3);
  const std::vector<Case> cases = {
      {Global(9, "ext_idle_notifier_v1", 1),
       Bound(9, "ext_idle_notifier_v1", 1, 5) + Message(5, 1, Words({6, 2'000, 4}))},
      {Global(9, "ext_idle_notifier_v1", 2),
       Bound(9, "ext_idle_notifier_v1", 2, 5) + Message(5, 2, Words({6, 2'000, 4}))},
      {Global(9, "ext_idle_notifier_v1", 7) + Global(8, "org_kde_kwin_idle", 1),
       Bound(9, "ext_idle_notifier_v1", 2, 5) + Message(5, 2, Words({6, 2'000, 4}))},
      {Global(8, "org_kde_kwin_idle", 1),
       Bound(8, "org_kde_kwin_idle", 1, 5) + Message(5, 0, Words({6, 4, 2'000}))},
  };
  const Case& one = cases[static_cast<size_t>(at)];
  Compositor compositor;
  compositor.Say(Global(1, "wl_compositor", 4) + Global(3, "wl_seat", 7) + one.globals + kListed);
  CHECK(compositor.told == "A");
  const std::string expected = Bound(3, "wl_seat", 1, 4) + one.asked;
  CHECK(compositor.Hear(expected.size()) == expected);
  CHECK_FALSE(compositor.SaysMore());
  compositor.Say(Message(4, 0, Words({3})));  // the seat's own words are nothing
  compositor.Say(Message(6, 0));
  compositor.Say(Message(6, 1) + Message(6, 0));
  CHECK(compositor.told == "AIiI");
  compositor.End();
  CHECK(compositor.told == "AIiIE");
}

TEST_CASE("Wayland input: a compositor that does not tell is asked nothing") {
  const std::string globals = GENERATE(
      values<std::string>({Global(3, "wl_seat", 7), Global(9, "ext_idle_notifier_v1", 1), ""}));
  Compositor compositor;
  compositor.Say(globals + kListed);
  CHECK(compositor.told == "a");
  CHECK_FALSE(compositor.SaysMore());
}

TEST_CASE("Wayland input: messages may come in pieces of any size") {
  Compositor compositor;
  const std::string all = Global(3, "wl_seat", 7) + Global(9, "ext_idle_notifier_v1", 1) +
                          Global(10, "a_name_of_which_the_length_is_no_multiple_of_four", 1) +
                          kListed + Message(6, 0) + Message(6, 1);
  for (const char byte : all) compositor.Say(std::string(1, byte));
  CHECK(compositor.told == "AIi");
}

TEST_CASE("Wayland input: what is no message, and a compositor's complaint, end the session") {
  const std::string wrong = GENERATE(values<std::string>(
      {Words({2, 7U << 16U}), Words({0, 0}), Message(1, 0, Words({2, 0}) + Text("invalid"))}));
  Compositor compositor;
  compositor.Say(wrong);
  CHECK(compositor.told == "E");
}

TEST_CASE("Wayland input: an offer that is cut short or lies about its name is passed over") {
  Compositor compositor;
  compositor.Say(Message(2, 0) + Message(2, 0, Words({9})) + Message(2, 0, Words({9, 0})) +
                 Message(2, 0, Words({9, 0xffff'ffff, 1})) + Message(2, 0, Words({9, 400, 1, 2})) +
                 kListed);
  CHECK(compositor.told == "a");
}

TEST_CASE("Wayland input: without a compositor there is none") {
  asio::io_context io;
  CHECK(absl::IsUnavailable(InputWatch::OpenWayland(io, "/nowhere/wayland-0", {}).status()));
}

}  // namespace
}  // namespace candor
