#include "agent/local/framing.h"

#include <string>
#include <vector>

#include "candor/v1/local.pb.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

std::vector<std::string> ReadAll(FrameReader& reader) {
  std::vector<std::string> frames;
  while (true) {
    const auto next = reader.Next();
    REQUIRE_OK(next);
    if (!next->has_value()) return frames;
    frames.emplace_back(**next);
  }
}

TEST_CASE("frames come back whole however the stream is cut") {
  const std::vector<std::string> sent = {"", "a", std::string(300, 'b'), std::string(200'000, 'c'),
                                         std::string("\0\x01\xff", 3)};
  std::string stream;
  for (const auto& payload : sent) REQUIRE_OK(AppendFrame(payload, stream));

  const size_t piece = GENERATE(1u, 3u, 4u, 5u, 4096u, 1'000'000u);
  FrameReader reader;
  std::vector<std::string> received;
  for (size_t at = 0; at < stream.size(); at += piece) {
    reader.Append(std::string_view(stream).substr(at, piece));
    for (auto& frame : ReadAll(reader)) received.push_back(std::move(frame));
  }
  REQUIRE(received == sent);
  REQUIRE(reader.pending() == 0);
}

TEST_CASE("the length is little-endian and four bytes long") {
  std::string stream;
  REQUIRE_OK(AppendFrame(std::string(0x0102, 'x'), stream));
  REQUIRE(stream.substr(0, 4) == std::string("\x02\x01\x00\x00", 4));
}

TEST_CASE("a message is framed like its serialized bytes") {
  v1::FromUplink message;
  message.mutable_done()->set_detail("unreachable");
  std::string direct;
  std::string through_bytes;
  REQUIRE_OK(AppendMessageFrame(message, direct));
  REQUIRE_OK(AppendFrame(message.SerializeAsString(), through_bytes));
  REQUIRE(direct == through_bytes);
}

TEST_CASE("a stream that ends inside a frame shows what is missing") {
  std::string stream;
  REQUIRE_OK(AppendFrame("hello", stream));
  FrameReader reader;
  reader.Append(std::string_view(stream).substr(0, 7));
  REQUIRE(ReadAll(reader).empty());
  REQUIRE(reader.pending() == 7);
}

TEST_CASE("a length over the limit is refused before anything is buffered for it") {
  FrameReader reader;
  reader.Append(std::string("\x01\x00\x20\x00", 4));
  const auto next = reader.Next();
  REQUIRE(next.status().code() == absl::StatusCode::kResourceExhausted);

  SECTION("the limit itself is accepted") {
    std::string stream;
    REQUIRE_OK(AppendFrame(std::string(kFrameBytesMax, 'x'), stream));
    FrameReader at_limit;
    at_limit.Append(stream);
    REQUIRE(ReadAll(at_limit).size() == 1);
  }
  SECTION("one byte more cannot be sent, and leaves nothing half written") {
    std::string stream = "kept";
    REQUIRE(AppendFrame(std::string(kFrameBytesMax + 1, 'x'), stream).code() ==
            absl::StatusCode::kResourceExhausted);
    REQUIRE(stream == "kept");
  }
}

}  // namespace
}  // namespace candor
