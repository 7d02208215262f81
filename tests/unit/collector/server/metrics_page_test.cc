#include "collector/server/metrics_page.h"

#include <set>
#include <sstream>

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("the page is well-formed: every sample once, after its help and type") {
  IngestStats stats;
  stats.batches = 12;
  stats.pending_bytes = 3;
  CollectorGauges gauges;
  gauges.fold_lag_rows = 5;
  gauges.cpu_seconds = 1.5;
  std::istringstream page(MetricsPage(stats, gauges));
  std::set<std::string> names;
  std::string line, helped, typed;
  while (std::getline(page, line)) {
    std::istringstream words(line);
    std::string first, second, third;
    words >> first >> second >> third;
    if (first == "#" && second == "HELP") {
      helped = third;
    } else if (first == "#" && second == "TYPE") {
      REQUIRE(third == helped);
      std::string kind;
      words >> kind;
      REQUIRE((kind == "counter" || kind == "gauge"));
      REQUIRE((third.size() > 6 && third.ends_with("_total")) == (kind == "counter"));
      typed = third;
    } else {
      const std::string name = first.substr(0, first.find('{'));
      REQUIRE(name == typed);
      REQUIRE(names.insert(name).second);
      REQUIRE_FALSE(second.empty());
    }
  }
  REQUIRE(names.size() > 20);
}

TEST_CASE("the page carries the values") {
  IngestStats stats;
  stats.batches = 12;
  stats.streams_open = 4;
  CollectorGauges gauges;
  gauges.fold_lag_rows = 5;
  gauges.cpu_seconds = 1.5;
  gauges.losses.forked_epochs = 2;
  gauges.losses.lost_places = 17;
  const std::string page = MetricsPage(stats, gauges);
  for (const char* line : {"\ncandor_ingest_batches_total 12\n", "\ncandor_ingest_streams 4\n",
                           "\ncandor_fold_lag_rows 5\n", "\ncandor_forked_epochs 2\n",
                           "\ncandor_log_lost_places 17\n", "\ncandor_cpu_seconds_total 1.500\n"}) {
    INFO(line);
    REQUIRE(page.find(line) != std::string::npos);
  }
}

}  // namespace
}  // namespace candor
