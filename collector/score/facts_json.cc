#include "collector/score/facts_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace candor {
namespace {

using Json = nlohmann::json;

// NaN, Infinity and the like, of which the reader hands over what it took before it gave up, at
// times with what stands before it.
bool LooksLikeNan(std::string_view token) {
  if (const size_t at = token.find_last_of(": \t\n"); at != token.npos) token.remove_prefix(at + 1);
  if (token.starts_with('-')) token.remove_prefix(1);
  return token.starts_with('N') || token.starts_with('I') || token.starts_with('i') ||
         token.starts_with("na");
}

// Reads the document as it comes, so that a mistake is told with the fact and field it stands in,
// however the reader met it: `1e999` and `NaN` never become a value one could look at later.
class FactsHandler final : public nlohmann::json_sax<Json> {
 public:
  std::vector<ScoreFacts> facts;
  std::string error;
  bool facts_seen = false;

  bool null() override { return Scalar("null"); }
  bool boolean(bool) override { return Scalar("a truth value"); }
  bool number_integer(number_integer_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return Number(value); }
  bool binary(binary_t&) override { return Scalar("binary data"); }

  bool string(string_t& value) override {
    if (skipping_ > 0 || state_ == State::kTop) return Scalar("a text");
    if (state_ != State::kFact || field_ != "id") return Scalar("a text");
    if (value.empty() || value.size() > FactsLimits::kIdBytesMax) {
      return Fail("must be a text of 1 to 256 bytes");
    }
    facts.back().id = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (skipping_ > 0) return Skip();
    switch (state_) {
      case State::kStart:
        state_ = State::kTop;
        return true;
      case State::kTop:
        return field_ == "facts" ? Fail("must be a list") : Skip();
      case State::kList:
        return StartFact();
      case State::kFact:
        if (field_ != "values") return Fail(Expected() + ", not an object");
        state_ = State::kValues;
        return true;
      case State::kValues:
        return Fail("must be a number, not an object");
    }
    return false;
  }

  bool key(string_t& name) override {
    if (skipping_ > 0) return true;
    field_ = name;
    switch (state_) {
      case State::kTop:
        return field_ != "facts" || !std::exchange(facts_seen, true) || Fail("is there twice");
      case State::kFact:
        return FactKey();
      case State::kValues:
        return ValueKey();
      default:
        return false;
    }
  }

  bool end_object() override {
    if (skipping_ > 0) return --skipping_, true;
    if (state_ == State::kValues) {
      state_ = State::kFact;
    } else if (state_ == State::kFact) {
      state_ = State::kList;
      return EndFact();
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (skipping_ > 0) return Skip();
    if (state_ == State::kTop && field_ == "facts") {
      state_ = State::kList;
      return true;
    }
    if (state_ == State::kTop) return Skip();
    if (state_ == State::kStart) return Fail("must be an object with a list \"facts\"");
    if (state_ == State::kList) return Fail("must be an object");
    return Fail(Expected() + ", not a list");
  }

  bool end_array() override {
    if (skipping_ > 0) return --skipping_, true;
    state_ = State::kTop;
    field_.clear();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& exception) override {
    const bool inside = state_ == State::kFact || state_ == State::kValues;
    constexpr int kNumberOverflow = 406;
    if (inside && skipping_ == 0 && (exception.id == kNumberOverflow || LooksLikeNan(token))) {
      return Fail("is not a finite number");
    }
    error = "not JSON at byte " + std::to_string(position);
    if (inside) error = Where() + ": " + error;
    return false;
  }

 private:
  enum class State { kStart, kTop, kList, kFact, kValues };

  std::string Where() const {
    std::string where = "facts[" + std::to_string(facts.size() - 1) + "]";
    if (!facts.back().id.empty()) where += " \"" + facts.back().id + "\"";
    return where;
  }

  bool Fail(const std::string& message) {
    switch (state_) {
      case State::kStart:
        error = message;
        break;
      case State::kTop:
        error = "facts: " + message;
        break;
      case State::kList:
        error = "facts[" + std::to_string(facts.size()) + "]: " + message;
        break;
      case State::kFact:
        error = Where() + ": " + field_ + ": " + message;
        break;
      case State::kValues:
        error = Where() + ": values." + field_ + ": " + message;
        break;
    }
    return false;
  }

  bool Skip() {
    ++skipping_;
    return true;
  }

  std::string Expected() const {
    if (state_ == State::kFact && field_ == "id") return "must be a text";
    if (state_ == State::kFact && field_ == "values") return "must be an object";
    return "must be a number";
  }

  bool Scalar(const std::string& what) {
    if (skipping_ > 0) return true;
    if (state_ == State::kTop) return field_ != "facts" || Fail("must be a list, not " + what);
    if (state_ == State::kStart) return Fail("must be an object with a list \"facts\"");
    if (state_ == State::kList) return Fail("must be an object, not " + what);
    return Fail(Expected() + ", not " + what);
  }

  bool Number(double value) {
    if (skipping_ > 0 || state_ == State::kTop || state_ == State::kStart ||
        state_ == State::kList) {
      return Scalar("a number");
    }
    if (state_ == State::kFact && (field_ == "id" || field_ == "values")) {
      return Scalar("a number");
    }
    if (!std::isfinite(value)) return Fail("is not a finite number");
    if (value < 0) return Fail("is negative");
    ScoreFacts& fact = facts.back();
    if (state_ == State::kValues) {
      fact.values[IndexOf(metric_)] = value;
    } else if (field_ == "active_min") {
      fact.active_min = value;
    } else {
      if (value > 1) return Fail("must be from 0 to 1");
      fact.coverage_factor = value;
    }
    return true;
  }

  bool StartFact() {
    if (facts.size() >= FactsLimits::kFactsMax) {
      return Fail("more than " + std::to_string(FactsLimits::kFactsMax) + " facts");
    }
    state_ = State::kFact;
    facts.emplace_back();
    seen_ = 0;
    return true;
  }

  static constexpr std::string_view kFields[] = {"id", "active_min", "coverage_factor", "values"};

  bool FactKey() {
    for (unsigned i = 0; i < std::size(kFields); ++i) {
      if (field_ != kFields[i]) continue;
      if ((seen_ & (1U << i)) != 0) return Fail("is there twice");
      seen_ |= 1U << i;
      return true;
    }
    return Fail("unknown field");
  }

  bool ValueKey() {
    const std::optional<ScoreMetric> metric = FindScoreMetric(field_);
    if (!metric) return Fail("unknown metric");
    metric_ = *metric;
    return !facts.back().values[IndexOf(metric_)] || Fail("is there twice");
  }

  bool EndFact() {
    state_ = State::kFact;
    for (unsigned i = 0; i < std::size(kFields); ++i) {
      if ((seen_ & (1U << i)) != 0) continue;
      field_ = kFields[i];
      return Fail("is missing");
    }
    state_ = State::kList;
    return true;
  }

  State state_ = State::kStart;
  std::string field_;
  ScoreMetric metric_ = ScoreMetric::kBoot;
  unsigned seen_ = 0;    // bit i: kFields[i] was there
  size_t skipping_ = 0;  // depth within a member that is passed over
};

}  // namespace

absl::StatusOr<std::vector<ScoreFacts>> ParseFacts(std::string_view json) {
  if (json.size() > FactsLimits::kBytesMax) {
    return absl::OutOfRangeError("facts of " + std::to_string(json.size()) + " bytes, limit " +
                                 std::to_string(FactsLimits::kBytesMax));
  }
  FactsHandler handler;
  if (!Json::sax_parse(json.begin(), json.end(), &handler)) {
    return absl::InvalidArgumentError(handler.error);
  }
  if (!handler.facts_seen) return absl::InvalidArgumentError("facts: is missing");
  return std::move(handler.facts);
}

std::string ScoreRowJson(std::string_view id, const Score& score) {
  nlohmann::ordered_json row;
  row["id"] = id;
  row["score"] = nullptr;
  if (score.score) row["score"] = *score.score;
  row["coverage"] = score.coverage;
  row["provisional"] = score.provisional;
  row["domains"] = nlohmann::ordered_json::object();
  for (const DomainScore& domain : score.domains) row["domains"][domain.name] = domain.points;
  row["losses"] = nlohmann::ordered_json::object();
  if (score.score) {
    for (const MetricScore& one : score.metrics) {
      row["losses"][std::string(EntryOf(one.metric).name)] = one.lost;
    }
  }
  // Ids come from outside and need not be UTF-8.
  return row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace candor
