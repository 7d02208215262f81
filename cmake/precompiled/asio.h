// base.h and the event loop, for what lives on it.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cmake/precompiled/base.h"
