// Tells a service's own answer over plain HTTP from that of somebody in between: a hotel's or
// train's captive portal, a proxy that wants a password.
//
// Only for services of which the operator said what the answer contains (ProbedService::
// http_expect): nobody else is asked, and a service that redirects or changes its page by itself is
// never taken for a portal. Failures of the service (4xx, 5xx) prove nothing either way.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/samplers/network/awaitable.h"
#include "agent/samplers/sampler.h"

namespace candor {

// As much of an answer is read; what is expected has to be in there.
inline constexpr size_t kHttpAnswerBytesMax = 4096;

enum class HttpJudgement {
  kExpected,
  kForeign,  // 511, a redirect to another host, or a page without what is expected
  kUnclear,
};

// `answer`: the bytes received so far. `whole`: nothing more will come, or no more is read.
HttpJudgement JudgeHttpAnswer(std::string_view answer, bool whole, std::string_view host,
                              std::string_view expect);

// Asks `service` at `address` once, within `limit_ms` for all of it. kUnclear where nothing comes.
boost::asio::awaitable<HttpJudgement> AskOverHttp(boost::asio::io_context& io,
                                                  boost::asio::ip::address address,
                                                  ProbedService service, int64_t limit_ms);

}  // namespace candor
