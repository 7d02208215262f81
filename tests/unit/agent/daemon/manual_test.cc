#include "agent/daemon/manual.h"

#include "agent/daemon/settings.h"
#include "common/registry.h"
#include "common/roff.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

bool Holds(const std::string& page, std::string_view text) {
  return page.find(roff::Plain(text)) != std::string::npos;
}

TEST_CASE("everything that can be collected is in the manual, with its source and its reason") {
  const std::string page = AgentManualPage();
  for (const MetricEntry& metric : Metrics()) {
    INFO(metric.name);
    CHECK(page.find(roff::Bold(metric.name) + "\n") != std::string::npos);
    CHECK(Holds(page, metric.source));
    CHECK(Holds(page, metric.reason));
  }
  for (const EventEntry& event : Events()) {
    INFO(event.name);
    CHECK(page.find(roff::Bold(event.name) + "\n") != std::string::npos);
    CHECK(Holds(page, event.reason));
  }
}

TEST_CASE("every family that can be switched off is explained under its name") {
  const std::string page = AgentManualPage();
  for (const std::string& family : SamplerFamilies()) {
    INFO(family);
    CHECK(page.find(".SS " + family + "\n") != std::string::npos);
  }
}

}  // namespace
}  // namespace candor
