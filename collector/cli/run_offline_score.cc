// `candor score --facts FILE`: no collector, no network; the same library that scores the fleet.
#include <algorithm>
#include <ostream>

#include "collector/cli/run_parts.h"
#include "collector/query/text.h"
#include "collector/score/facts_json.h"
#include "collector/score/model.h"
#include "collector/score/score.h"
#include "common/files.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

// The rows have a shape of their own (collector/score/facts_json.h): objects inside.
std::string DocumentFor(const Model& model, const std::vector<ScoreFacts>& facts, int64_t now_ms) {
  std::string out = Concat("{\n \"schema\": \"candor/1\",\n \"generated_at\": \"",
                           FormatTime(now_ms), "\",\n \"rows\": [");
  for (const ScoreFacts& fact : facts) {
    out += Concat(&fact == &facts.front() ? "\n  " : ",\n  ",
                  ScoreRowJson(fact.id, ComputeScore(model, fact)));
  }
  return out + (facts.empty() ? "]\n}\n" : "\n ]\n}\n");
}

Table TableFor(const Model& model, const std::vector<ScoreFacts>& facts) {
  Table table;
  table.name = "score";
  table.columns = {TextColumn("id", "id"), ScoreColumn("score", "score"),
                   NumberColumn("coverage", "coverage", 2),
                   BooleanColumn("provisional", "provisional")};
  for (const DomainModel& domain : model.domains) {
    table.columns.push_back(ScoreColumn(domain.name, domain.name));
  }
  for (const ScoreFacts& fact : facts) {
    const Score score = ComputeScore(model, fact);
    Row row = {fact.id, ToCell(score.score), score.coverage, score.provisional};
    for (const DomainModel& domain : model.domains) {
      const auto at =
          std::find_if(score.domains.begin(), score.domains.end(),
                       [&](const DomainScore& scored) { return scored.name == domain.name; });
      row.push_back(at == score.domains.end() ? Cell() : Cell(at->points));
    }
    table.rows.push_back(std::move(row));
  }
  table.notes = {Concat("model ", model.name, "; losses are in --format json")};
  return table;
}

}  // namespace

absl::Status RunOfflineScore(const Invocation& invocation, const Surroundings& around) {
  const std::string path = invocation.Value(Flag::kFacts);
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, FactsLimits::kBytesMax));
  const absl::StatusOr<std::vector<ScoreFacts>> facts = ParseFacts(text);
  if (!facts.ok()) return Prefix(facts.status(), path);
  CANDOR_ASSIGN_OR_RETURN(const ModelSet models, ModelSet::Load({ModelSet::InstalledFolder()}));
  const std::string name = invocation.Value(Flag::kModel);
  CANDOR_ASSIGN_OR_RETURN(const auto model, models.Find(name.empty() ? kDefaultModel : name));
  if (FormatOf(invocation) != Format::kJson) {
    return Print({TableFor(*model, *facts)}, invocation, around);
  }
  around.out << DocumentFor(*model, *facts, around.clock.WallMs()) << std::flush;
  if (!around.out) return absl::UnavailableError("the answer cannot be written");
  return absl::OkStatus();
}

}  // namespace candor
