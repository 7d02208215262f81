#include "agent/daemon/control_replies.h"

#include <deque>
#include <utility>

#include "agent/daemon/status_report.h"
#include "candor/v1/local.pb.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kPage = 16;

v1::ControlReply ErrorReply(std::string_view message) {
  v1::ControlReply reply;
  reply.set_error(std::string(message));
  return reply;
}

ControlReplies Once(v1::ControlReply reply) {
  return [reply = std::move(reply), done = false]() mutable -> std::optional<v1::ControlReply> {
    if (std::exchange(done, true)) return std::nullopt;
    return std::move(reply);
  };
}

v1::ControlReply EntryReply(LedgerRow& row) {
  v1::ControlReply reply;
  v1::LedgerEntry& entry = *reply.mutable_entry();
  entry.set_epoch(row.epoch);
  entry.set_seq(row.seq);
  entry.set_sent_wall_ms(row.sent_wall_ms);
  entry.set_acked_wall_ms(row.acked_wall_ms);
  entry.set_sealed(std::move(row.sealed));
  entry.set_size(row.size);
  entry.set_digest(std::move(row.digest));
  entry.set_refused(std::move(row.refused));
  return reply;
}

// Pages through the ledger, newest first, then through the digests of days.
class LedgerPager {
 public:
  LedgerPager(Spool& spool, const v1::LedgerRequest& request) : spool_(&spool), request_(request) {}

  std::optional<v1::ControlReply> Next() {
    if (request_.limit() != 0 && told_ == request_.limit()) return std::nullopt;
    if (rows_.empty()) {
      if (absl::Status status = Fill(); !status.ok()) {
        batches_read_ = true;
        digests_read_ = true;
        return ErrorReply(MessageOf(status));
      }
      if (rows_.empty()) return std::nullopt;
    }
    LedgerRow row = std::move(rows_.front());
    rows_.pop_front();
    ++told_;
    return EntryReply(row);
  }

 private:
  absl::Status Fill() {
    if (!batches_read_) {
      auto page = spool_->Ledger(before_, kPage, request_.seq());
      CANDOR_RETURN_IF_ERROR(page.status());
      for (LedgerRow& row : *page) {
        before_ = row.id;
        rows_.push_back(std::move(row));
      }
      batches_read_ = page->empty();
      if (!rows_.empty()) return absl::OkStatus();
    }
    // A digest names no batch.
    if (std::exchange(digests_read_, true) || request_.seq() != 0) return absl::OkStatus();
    auto digests = spool_->LedgerDigests();
    CANDOR_RETURN_IF_ERROR(digests.status());
    rows_.assign(std::make_move_iterator(digests->begin()),
                 std::make_move_iterator(digests->end()));
    return absl::OkStatus();
  }

  Spool* spool_;
  v1::LedgerRequest request_;
  int64_t before_ = INT64_MAX;
  bool batches_read_ = false;
  bool digests_read_ = false;
  uint64_t told_ = 0;
  std::deque<LedgerRow> rows_;
};

}  // namespace

ControlReplies AnswerControl(const v1::ControlRequest& request, const ControlSources& sources) {
  switch (request.what_case()) {
    case v1::ControlRequest::kStatus: {
      v1::ControlReply reply;
      if (absl::Status status = ReportStatus(sources, *reply.mutable_status()); !status.ok()) {
        return Once(ErrorReply(MessageOf(status)));
      }
      return Once(std::move(reply));
    }
    case v1::ControlRequest::kLedger:
      return
          [pager = LedgerPager(sources.spool, request.ledger())]() mutable { return pager.Next(); };
    case v1::ControlRequest::kPush:
      return Once(v1::ControlReply());
    case v1::ControlRequest::WHAT_NOT_SET:
      break;
  }
  return Once(ErrorReply("this candor-agent does not know what was asked"));
}

}  // namespace candor
