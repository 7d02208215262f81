#include "common/batch.h"

#include "candor/v1/envelope.pb.h"
#include "common/columns.h"
#include "common/compress.h"
#include "common/hash.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

v1::Contents OneCrash() {
  v1::Contents contents;
  contents.add_boots(std::string(16, 'b'));
  v1::Event* event = contents.add_events();
  event->set_wall_ms(1'790'000'000'000);
  event->mutable_crash()->set_program("editor");
  return contents;
}

v1::Tombstone TombstoneTo(uint64_t seq_last) {
  v1::Tombstone tombstone;
  tombstone.set_seq_last(seq_last);
  tombstone.set_last_hash(Sha256("the last batch it stands for"));
  return tombstone;
}

}  // namespace

TEST_CASE("a sealed batch opens again with its place and contents") {
  const std::string sealed =
      SealContents({7, 3, Sha256("before")}, BatchClass::kEvents, 1'790'000'000'000, OneCrash());
  v1::SealedBatch batch;
  REQUIRE_OK(ParseSealed(sealed, batch));
  REQUIRE(batch.epoch() == 7);
  REQUIRE(LastSeq(batch) == 3);
  REQUIRE(batch.predecessor() == Sha256("before"));
  REQUIRE(ChainHash(sealed, batch) == Sha256(sealed));
  v1::Contents contents;
  REQUIRE_OK(ParseContents(batch, contents));
  REQUIRE(contents.events(0).crash().program() == "editor");
}

TEST_CASE("equal contents are equal bytes") {
  const auto seal = [] { return SealContents({7, 1, ""}, BatchClass::kEvents, 1, OneCrash()); };
  REQUIRE(seal() == seal());
}

TEST_CASE("a tombstone takes its range of places and hands on the hash of the last") {
  const std::string sealed =
      SealTombstone({7, 3, Sha256("before")}, BatchClass::kWindows, 1, TombstoneTo(9));
  v1::SealedBatch batch;
  REQUIRE_OK(ParseSealed(sealed, batch));
  REQUIRE(LastSeq(batch) == 9);
  REQUIRE(ChainHash(sealed, batch) == Sha256("the last batch it stands for"));
  v1::Contents contents;
  REQUIRE(ParseContents(batch, contents).code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("a batch that breaks a rule is refused with the rule's name") {
  struct Case {
    const char* what;
    void (*spoil)(v1::SealedBatch&);
    absl::StatusCode code;
  };
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  const auto c =
      GENERATE(Case{"epoch", [](v1::SealedBatch& b) { b.clear_epoch(); }, kBad},
               Case{"sequence", [](v1::SealedBatch& b) { b.clear_seq(); }, kBad},
               Case{"out of range", [](v1::SealedBatch& b) { b.set_seq(~uint64_t{0}); }, kBad},
               Case{"predecessor", [](v1::SealedBatch& b) { b.set_predecessor("short"); }, kBad},
               Case{"without a content", [](v1::SealedBatch& b) { b.clear_contents_zstd(); }, kBad},
               Case{"ends before",
                    [](v1::SealedBatch& b) { *b.mutable_tombstone() = TombstoneTo(2); }, kBad},
               Case{"without the hash",
                    [](v1::SealedBatch& b) { b.mutable_tombstone()->set_seq_last(9); }, kBad});
  INFO(c.what);
  v1::SealedBatch batch;
  REQUIRE_OK(ParseSealed(SealContents({7, 3, ""}, BatchClass::kEvents, 1, OneCrash()), batch));
  c.spoil(batch);
  v1::SealedBatch again;
  const absl::Status status = ParseSealed(batch.SerializeAsString(), again);
  REQUIRE(status.code() == c.code);
  REQUIRE(std::string(status.message()).find(c.what) != std::string::npos);
}

TEST_CASE("a content of a newer version passes the frame's checks and cannot be read") {
  v1::SealedBatch batch;
  REQUIRE_OK(ParseSealed(SealContents({7, 3, ""}, BatchClass::kEvents, 1, OneCrash()), batch));
  batch.clear_contents_zstd();
  batch.GetReflection()->MutableUnknownFields(&batch)->AddLengthDelimited(99, "new");
  const std::string sealed = batch.SerializeAsString();
  v1::SealedBatch again;
  REQUIRE_OK(ParseSealed(sealed, again));
  REQUIRE(LastSeq(again) == 3);
  REQUIRE(ChainHash(sealed, again) == Sha256(sealed));
  v1::Contents contents;
  REQUIRE(ParseContents(again, contents).code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("bytes that are no batch, and one too large, are refused") {
  v1::SealedBatch batch;
  REQUIRE(ParseSealed("\xff\xff\xff", batch).code() == absl::StatusCode::kInvalidArgument);
  const std::string large(BatchLimits::kSealedBytesMax + 1, 'x');
  REQUIRE(ParseSealed(large, batch).code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("contents that lie about their size or inflate too far are refused") {
  v1::SealedBatch batch;
  REQUIRE_OK(ParseSealed(SealContents({7, 3, ""}, BatchClass::kEvents, 1, OneCrash()), batch));
  v1::Contents contents;
  SECTION("size") {
    batch.set_contents_size(1);
    REQUIRE(ParseContents(batch, contents).code() == absl::StatusCode::kInvalidArgument);
  }
  SECTION("a bomb") {
    const std::string zeros(BatchLimits::kContentsBytesMax + 1, '\0');
    batch.set_contents_zstd(Compress(zeros));
    batch.set_contents_size(static_cast<uint32_t>(zeros.size()));
    REQUIRE(ParseContents(batch, contents).code() == absl::StatusCode::kInvalidArgument);
  }
  SECTION("garbage") {
    batch.set_contents_zstd("garbage");
    REQUIRE(ParseContents(batch, contents).code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("event limits hold just under and refuse just over") {
  v1::Contents contents = OneCrash();
  const auto parse = [&] {
    v1::SealedBatch batch;
    const std::string sealed = SealContents({7, 3, ""}, BatchClass::kEvents, 1, contents);
    REQUIRE_OK(ParseSealed(sealed, batch));
    v1::Contents parsed;
    return ParseContents(batch, parsed);
  };
  SECTION("how many") {
    while (contents.events_size() < static_cast<int>(BatchLimits::kEventsMax)) {
      contents.add_events()->mutable_hang()->set_duration_ms(5'000);
    }
    REQUIRE_OK(parse());
    contents.add_events()->mutable_hang()->set_duration_ms(5'000);
    REQUIRE(parse().code() == absl::StatusCode::kOutOfRange);
  }
  SECTION("how large") {
    contents.mutable_events(0)->mutable_crash()->set_version(
        std::string(BatchLimits::kEventBytesMax - 100, 'v'));
    REQUIRE_OK(parse());
    contents.mutable_events(0)->mutable_crash()->set_version(
        std::string(BatchLimits::kEventBytesMax, 'v'));
    REQUIRE(parse().code() == absl::StatusCode::kOutOfRange);
  }
  SECTION("of which boot") {
    contents.mutable_events(0)->set_boot(1);
    REQUIRE(parse().code() == absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace candor
