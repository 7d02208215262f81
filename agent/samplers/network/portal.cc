#include "agent/samplers/network/portal.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "common/version.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// The status of "HTTP/1.1 302 Found"; 0 where there is none.
int StatusOf(std::string_view answer) {
  constexpr size_t kDigitsAt = 9;
  if (answer.size() < kDigitsAt + 3 || !answer.starts_with("HTTP/1.") || answer[8] != ' ') return 0;
  int status = 0;
  for (const char digit : answer.substr(kDigitsAt, 3)) {
    if (digit < '0' || digit > '9') return 0;
    status = status * 10 + (digit - '0');
  }
  return status;
}

// The value of a header's first line of that name; empty where there is none.
std::string_view HeaderOf(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!absl::EqualsIgnoreCase(Absl(line.substr(0, colon)), Absl(name))) continue;
    const absl::string_view value = absl::StripAsciiWhitespace(Absl(line.substr(colon + 1)));
    return {value.data(), value.size()};
  }
  return {};
}

// The host of "https://host:port/path"; empty for a place on the same host.
std::string_view HostOf(std::string_view location) {
  size_t at = location.find("://");
  if (at != std::string_view::npos && location.find('/') > at) {
    at += 3;
  } else if (location.starts_with("//")) {
    at = 2;
  } else {
    return {};
  }
  std::string_view host = location.substr(at, location.find_first_of("/?#", at) - at);
  host = host.substr(host.find('@') + 1);
  const size_t bracket = host.rfind(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return host.substr(0, colon);
}

// The page is all there, though the connection stays open.
bool HasWholeBody(std::string_view head, size_t body_bytes) {
  const std::string_view length = HeaderOf(head, "Content-Length");
  size_t promised = 0;
  return absl::SimpleAtoi(Absl(length), &promised) && body_bytes >= promised;
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string RequestFor(const ProbedService& service) {
  return "GET " + service.http_path + " HTTP/1.1\r\nHost: " + service.host +
         "\r\nUser-Agent: candor/" + std::string(kVersion) +
         "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

}  // namespace

HttpJudgement JudgeHttpAnswer(std::string_view answer, bool whole, std::string_view host,
                              std::string_view expect) {
  constexpr int kNetworkAuthenticationRequired = 511;  // RFC 6585
  const int status = StatusOf(answer);
  if (status == kNetworkAuthenticationRequired) return HttpJudgement::kForeign;
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos) return HttpJudgement::kUnclear;
  const std::string_view head = answer.substr(0, end + 2);
  if (IsRedirect(status)) {
    const std::string_view to = HostOf(HeaderOf(head, "Location"));
    const bool elsewhere = !to.empty() && !absl::EqualsIgnoreCase(Absl(to), Absl(host));
    return elsewhere ? HttpJudgement::kForeign : HttpJudgement::kUnclear;
  }
  if (status != 200) return HttpJudgement::kUnclear;
  if (answer.find(expect, end + 4) != std::string_view::npos) return HttpJudgement::kExpected;
  const bool complete = whole || HasWholeBody(head, answer.size() - (end + 4));
  return complete ? HttpJudgement::kForeign : HttpJudgement::kUnclear;
}

asio::awaitable<HttpJudgement> AskOverHttp(asio::io_context& io, asio::ip::address address,
                                           ProbedService service, int64_t limit_ms) {
  // Shared with the timer's handler, which may run after this coroutine has ended.
  const auto socket = std::make_shared<tcp::socket>(io);
  asio::steady_timer limit(io, std::chrono::milliseconds(limit_ms));
  limit.async_wait([socket](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) socket->close(ignored);
  });
  boost::system::error_code ec;
  const tcp::endpoint endpoint(address, service.port);
  co_await socket->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, ec));
  const std::string request = RequestFor(service);
  if (!ec) {
    co_await asio::async_write(*socket, asio::buffer(request),
                               asio::redirect_error(asio::use_awaitable, ec));
  }
  std::string answer(kHttpAnswerBytesMax, '\0');
  size_t size = 0;
  auto judged = HttpJudgement::kUnclear;
  while (!ec && judged == HttpJudgement::kUnclear && size < answer.size()) {
    size +=
        co_await socket->async_read_some(asio::buffer(answer.data() + size, answer.size() - size),
                                         asio::redirect_error(asio::use_awaitable, ec));
    const bool whole = size == answer.size() || ec == asio::error::eof;
    judged = JudgeHttpAnswer(std::string_view(answer.data(), size), whole, service.host,
                             service.http_expect);
  }
  limit.cancel();
  boost::system::error_code ignored;
  socket->close(ignored);
  co_return judged;
}

}  // namespace candor
