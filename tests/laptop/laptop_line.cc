#include "tests/laptop/laptop_line.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <stdexcept>

#include "common/status.h"

namespace candor::testing {
namespace {

constexpr uint16_t kDnsPort = 53;

template <typename T>
T OrThrow(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return *std::move(result);
}

void OrThrow(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

}  // namespace

LaptopLine::LaptopLine(int64_t delay_one_way_us)
    : laptop_(std::make_unique<NetworkNamespace>(OrThrow(NetworkNamespace::New()))),
      service_(std::make_unique<NetworkNamespace>(OrThrow(NetworkNamespace::New()))) {
  PacketRelay::Options options;
  options.address_a = kLaptopAddress;
  options.address_b = kServiceAddress;
  options.delay_one_way_us = delay_one_way_us;
  options.default_route_a = true;
  relay_ = OrThrow(PacketRelay::Start(*laptop_, *service_, options));
  OrThrow(service_->Run([&]() -> absl::Status {
    dns_ = std::make_unique<DnsServer>(kServiceAddress, kDnsPort);
    dns_->Set(kServiceName, {kServiceAddress});
    listener_ = OwnedFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, kServiceAddress, &address.sin_addr);
    socklen_t size = sizeof address;
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_.get(), 1024) != 0 ||
        getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return ErrnoStatus(errno, "listener");
    }
    port_ = ntohs(address.sin_port);
    return absl::OkStatus();
  }));
}

void LaptopLine::OnLaptop(const std::function<void()>& work) {
  std::exception_ptr failure;
  OrThrow(laptop_->Run([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    return absl::OkStatus();
  }));
  if (failure) std::rethrow_exception(failure);
}

std::string LaptopLine::resolv_conf() const {
  return std::string("nameserver ") + kServiceAddress + "\n";
}

}  // namespace candor::testing
