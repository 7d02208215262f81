#include <errno.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collector/fold/dump.h"
#include "collector/fold/rebuild.h"
#include "collector/identity/audit.h"
#include "collector/ingest/log_check.h"
#include "collector/server/commands.h"
#include "collector/server/offline.h"
#include "common/status.h"

namespace candor {
namespace {

// A folder inside the data folder, gone with the object.
class Scratch {
 public:
  static absl::StatusOr<Scratch> Make(const std::string& data) {
    std::string pattern = data + "/check-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(errno, "cannot make " + pattern);
    return Scratch(pattern);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// One line for each part that was looked at, and how many things were wrong.
class Report {
 public:
  explicit Report(std::ostream& out) : out_(out) {}
  void Sound(std::string_view part, std::string_view what) {
    out_ << part << ": sound, " << what << "\n";
  }
  void Wrong(std::string_view part, std::string_view what) {
    ++wrong_;
    out_ << part << ": WRONG, " << what << "\n";
  }
  void Add(std::string_view part, const absl::Status& status, std::string_view what) {
    status.ok() ? Sound(part, what) : Wrong(part, std::string(status.message()));
  }
  uint64_t wrong() const { return wrong_; }

 private:
  std::ostream& out_;
  uint64_t wrong_ = 0;
};

absl::Status CheckTheLog(Database& db, Report& report) {
  CANDOR_ASSIGN_OR_RETURN(const LogCheck log, CheckLog(db));
  for (const std::string& finding : log.findings) report.Wrong("log", finding);
  if (log.wrong > log.findings.size()) {
    report.Wrong("log", absl::StrCat("and ", log.wrong - log.findings.size(), " more"));
  }
  if (log.wrong == 0) {
    report.Sound("log", absl::StrCat(log.batches, " batches in ", log.epochs, " epochs, ",
                                     log.tombstones, " tombstones, ", log.refused, " refused, ",
                                     log.gaps, " gaps, ", log.quarantined, " in quarantine"));
  }
  return absl::OkStatus();
}

absl::Status DumpTo(Store& store, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  CANDOR_RETURN_IF_ERROR(Dump(store.write_connection(), out));
  out.close();
  return out ? absl::OkStatus() : absl::ResourceExhaustedError("cannot write " + path);
}

absl::Status CopyTo(Database& db, const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(Statement copy, db.Prepare("VACUUM INTO ?"));
  return copy.BindAll(path).Run();
}

// Empty when equal.
std::string FirstDifference(const std::string& stored_path, const std::string& derived_path) {
  std::ifstream stored(stored_path), derived(derived_path);
  std::string a, b;
  for (;;) {
    const bool more_a = static_cast<bool>(std::getline(stored, a));
    const bool more_b = static_cast<bool>(std::getline(derived, b));
    if (!more_a && !more_b) return "";
    if (!more_a) return absl::StrCat("missing: ", b);
    if (!more_b) return absl::StrCat("not in the log: ", a);
    if (a != b) return absl::StrCat("stored \"", a, "\", the log gives \"", b, "\"");
  }
}

absl::Status CheckFolds(Store& store, const ModelSet& models, const ProgressFn& progress,
                        Report& report) {
  const auto observe = [&progress](std::string_view doing) -> FoldObserver {
    if (!progress) return {};
    return [&progress, doing](const FoldProgress& done, int64_t head) {
      progress(doing, static_cast<uint64_t>(done.watermark), static_cast<uint64_t>(head));
    };
  };
  CANDOR_RETURN_IF_ERROR(FoldAll(store, models, observe("folding")).status());
  CANDOR_ASSIGN_OR_RETURN(const Scratch scratch, Scratch::Make(store.folder()));
  const std::string stored = scratch.path() + "/stored.txt";
  const std::string derived = scratch.path() + "/derived.txt";
  CANDOR_RETURN_IF_ERROR(DumpTo(store, stored));
  CANDOR_RETURN_IF_ERROR(CopyTo(store.write_connection(), scratch.path() + "/candor.db"));
  CANDOR_ASSIGN_OR_RETURN(const std::unique_ptr<Store> copy, Store::Open(scratch.path()));
  CANDOR_ASSIGN_OR_RETURN(const FoldProgress done,
                          Rebuild(*copy, models, observe("deriving folds again")));
  CANDOR_RETURN_IF_ERROR(DumpTo(*copy, derived));
  const std::string difference = FirstDifference(stored, derived);
  if (!difference.empty()) {
    report.Wrong("folds", difference);
  } else {
    report.Sound("folds", absl::StrCat(done.days_scored, " device-days are what the log gives"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCheck(const std::string& data, bool quick, std::ostream& out,
                      const ProgressFn& progress) {
  CANDOR_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenOffline(data));
  CANDOR_ASSIGN_OR_RETURN(const ModelSet models, LoadModels(data));
  Database& db = store->write_connection();
  Report report(out);
  report.Add("database", db.CheckIntegrity(), "pages and indexes");
  CANDOR_RETURN_IF_ERROR(CheckTheLog(db, report));
  report.Add("audit", VerifyAudit(db), "an unbroken chain");
  if (!quick) CANDOR_RETURN_IF_ERROR(CheckFolds(*store, models, progress, report));
  if (report.wrong() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      data, " is not sound: ", report.wrong(), report.wrong() == 1 ? " finding" : " findings"));
}

}  // namespace candor
