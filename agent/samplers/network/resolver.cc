#include "agent/samplers/network/resolver.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>

namespace candor {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr int kTryMs = 2'000;
constexpr int kTries = 2;

// c-ares counts its users; on Linux this costs nothing after the first.
class AresLibrary {
 public:
  AresLibrary() : ok_(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS) {}
  ~AresLibrary() {
    if (ok_) ares_library_cleanup();
  }
  AresLibrary(const AresLibrary&) = delete;
  AresLibrary& operator=(const AresLibrary&) = delete;
  bool ok() const { return ok_; }

 private:
  bool ok_;
};

// One question. Handlers that wait on a socket hold a reference, so that the question outlives
// them; `channel_` is null once it is over.
class Question : public std::enable_shared_from_this<Question> {
 public:
  explicit Question(asio::io_context& io) : io_(io), wake_(io) {}
  ~Question() {
    done_ = true;
    End();
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  asio::awaitable<DnsAnswer> Run(DnsServers servers, std::string host, int64_t limit_ms) {
    const auto start = steady_clock::now();
    const auto deadline = start + std::chrono::milliseconds(limit_ms);
    if (const int code = Open(servers); code != ARES_SUCCESS) {
      answer_.failure = std::string("resolver: ") + ares_strerror(code);
      co_return std::move(answer_);
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Question::OnAnswer, this);
    while (!done_) {
      const auto now = steady_clock::now();
      if (now >= deadline) {
        answer_.failure = "no answer in " + std::to_string(limit_ms) + " ms";
        answer_.silent = true;
        break;
      }
      boost::system::error_code woken;
      wake_.expires_after(std::min<steady_clock::duration>(deadline - now, NextTimeout()));
      co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      if (!woken && !done_) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    answer_.elapsed_us = std::chrono::duration_cast<std::chrono::microseconds>(
                             (done_ ? done_at_ : steady_clock::now()) - start)
                             .count();
    done_ = true;  // whatever ends from here on is no answer
    End();
    co_return std::move(answer_);
  }

 private:
  struct Watch {
    explicit Watch(asio::io_context& io) : descriptor(io) {}
    asio::posix::stream_descriptor descriptor;
    bool want_read = false;
    bool want_write = false;
    bool reading = false;
    bool writing = false;
    bool closed = false;
  };

  int Open(const DnsServers& servers) {
    if (!library_.ok()) return ARES_ENOTINITIALIZED;
    ares_options options{};
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    options.timeout = kTryMs;
    options.tries = kTries;
    std::string dns_only = "b";
    options.lookups = dns_only.data();
    options.sock_state_cb = &Question::OnSocketState;
    options.sock_state_cb_data = this;
    std::string path = servers.list.empty() ? servers.resolv_conf : "/dev/null";
    options.resolvconf_path = path.data();
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                     ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
    int code = ares_init_options(&channel_, &options, mask);
    if (code != ARES_SUCCESS) {
      channel_ = nullptr;
      return code;
    }
    if (!servers.list.empty()) code = ares_set_servers_ports_csv(channel_, servers.list.c_str());
    return code;
  }

  void End() {
    if (channel_ == nullptr) return;
    ares_channel channel = channel_;
    channel_ = nullptr;
    ares_destroy(channel);
  }

  steady_clock::duration NextTimeout() {
    timeval longest{5, 0};
    timeval next{};
    const timeval* wait = ares_timeout(channel_, &longest, &next);
    return std::chrono::seconds(wait->tv_sec) + std::chrono::microseconds(wait->tv_usec);
  }

  static void OnAnswer(void* self_ptr, int status, int, ares_addrinfo* info) {
    auto* self = static_cast<Question*>(self_ptr);
    if (!self->done_) {
      self->done_ = true;
      self->done_at_ = steady_clock::now();
      if (status == ARES_SUCCESS) {
        self->TakeAddresses(info);
      } else {
        self->answer_.failure = ares_strerror(status);
        self->answer_.silent = status == ARES_ETIMEOUT;
      }
      self->wake_.cancel();
    }
    if (info != nullptr) ares_freeaddrinfo(info);
  }

  void TakeAddresses(const ares_addrinfo* info) {
    for (const auto* node = info->nodes; node != nullptr; node = node->ai_next) {
      if (answer_.addresses.size() >= kAddressesMax) break;
      if (node->ai_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, node->ai_addr, sizeof v4);
        answer_.addresses.emplace_back(asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)));
      } else if (node->ai_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, node->ai_addr, sizeof v6);
        asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        answer_.addresses.emplace_back(asio::ip::address_v6(bytes, v6.sin6_scope_id));
      }
    }
    if (answer_.addresses.empty()) answer_.failure = "the name has no address";
  }

  static void OnSocketState(void* self_ptr, ares_socket_t fd, int readable, int writable) {
    static_cast<Question*>(self_ptr)->SocketState(fd, readable != 0, writable != 0);
  }

  void SocketState(ares_socket_t fd, bool readable, bool writable) {
    auto at = sockets_.find(fd);
    if (!readable && !writable) {
      if (at == sockets_.end()) return;
      // c-ares closes the socket itself, right after this call.
      at->second->closed = true;
      at->second->descriptor.release();
      sockets_.erase(at);
      return;
    }
    if (at == sockets_.end()) {
      auto watch = std::make_shared<Watch>(io_);
      boost::system::error_code ec;
      watch->descriptor.assign(fd, ec);
      if (ec) return;  // the question then ends at its limit
      at = sockets_.emplace(fd, std::move(watch)).first;
    }
    at->second->want_read = readable;
    at->second->want_write = writable;
    Arm(at->second);
  }

  void Arm(const std::shared_ptr<Watch>& watch) {
    if (watch->want_read && !watch->reading) {
      watch->reading = true;
      Wait(watch, asio::posix::descriptor_base::wait_read);
    }
    if (watch->want_write && !watch->writing) {
      watch->writing = true;
      Wait(watch, asio::posix::descriptor_base::wait_write);
    }
  }

  void Wait(const std::shared_ptr<Watch>& watch, asio::posix::descriptor_base::wait_type what) {
    // A weak reference: the coroutine owns the question, handlers only visit it.
    watch->descriptor.async_wait(what, [weak = weak_from_this(), watch, what](const auto& ec) {
      const bool read = what == asio::posix::descriptor_base::wait_read;
      (read ? watch->reading : watch->writing) = false;
      const auto self = weak.lock();
      if (ec || watch->closed || self == nullptr || self->channel_ == nullptr) return;
      const ares_socket_t fd = watch->descriptor.native_handle();
      ares_process_fd(self->channel_, read ? fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : fd);
      if (!watch->closed && self->channel_ != nullptr) self->Arm(watch);
    });
  }

  AresLibrary library_;
  asio::io_context& io_;
  asio::steady_timer wake_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watch>> sockets_;
  bool done_ = false;
  steady_clock::time_point done_at_;
  DnsAnswer answer_;
};

}  // namespace

asio::awaitable<DnsAnswer> AskDns(asio::io_context& io, DnsServers servers, std::string host,
                                  int64_t limit_ms) {
  const auto question = std::make_shared<Question>(io);
  co_return co_await question->Run(std::move(servers), std::move(host), limit_ms);
}

}  // namespace candor
