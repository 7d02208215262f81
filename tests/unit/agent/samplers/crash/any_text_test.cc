// What the journal and the file system say is written by others. Whatever it is, the parsers end,
// in bounds; the sanitizers of the test build watch.
#include <string>
#include <vector>

#include "agent/samplers/crash/incident.h"
#include "agent/samplers/crash/kernel_line.h"
#include "agent/samplers/crash/stack.h"
#include "agent/samplers/support/clean_text.h"
#include "agent/samplers/support/owner.h"
#include "agent/samplers/support/unit_name.h"
#include "common/random.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

const std::vector<std::string> kSeeds = {
    "Web Content[4711]: segfault at 0 ip 00 sp 00 error 4 in libxul.so[7f8a18000000+5a3f000]",
    "traps: foo[9] trap divide error ip:55 sp:7f error:0 in foo[55+1000]",
    "Out of memory: Killed process 12345 (chrome (tab)) total-vm:8392040kB, anon-rss:1kB",
    "INFO: task kworker/u8:2:1234 blocked for more than 120 seconds.",
    "Stack trace of thread 226:\n#0  0x00007f0aa2e8deec n/a (libc.so.6 + 0x8aeec)\n",
    "/user.slice/app.slice/app-flatpak-org.kde.some\\x2dthing-1.scope",
    "/snap/firefox/4173/usr/lib/firefox/firefox",
    "systemd-cryptsetup@luks\\x2d0815.service",
};

// A seed with bytes replaced, pieces cut out and doubled.
std::string Mutated(SeededRandom& random) {
  std::string text = kSeeds[random.Below(kSeeds.size())];
  const uint64_t changes = random.Below(6);
  for (uint64_t i = 0; i < changes && !text.empty(); ++i) {
    const size_t at = random.Below(text.size());
    switch (random.Below(3)) {
      case 0:
        text[at] = static_cast<char>(random.Below(256));
        break;
      case 1:
        text.erase(at, random.Below(8));
        break;
      default: {
        const size_t from = random.Below(text.size());
        text.insert(at, text.substr(from, random.Below(16)));
      }
    }
  }
  return text;
}

TEST_CASE("whatever a text is, what is made of it stays in bounds") {
  SeededRandom random(20'260'101);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = Mutated(random);
    if (const auto line = ParseKernelLine(text)) {
      REQUIRE(line->task.size() <= 64);
      REQUIRE(line->module.size() <= 64);
    }
    const std::string signature = StackSignature(text);
    REQUIRE((signature.empty() || signature.size() == kSignatureBytes));
    REQUIRE(StackThreads(text).size() <= kThreadsMax);
    REQUIRE(CleanText(text, 40).size() <= 40);
    if (const auto app = FlatpakOf(text)) REQUIRE(app->size() <= 100);
    if (const auto snap = SnapOf(text)) REQUIRE(snap->name.find('/') == std::string::npos);
    for (const std::string& path : UsualPaths(text)) REQUIRE(path.starts_with("/usr/"));
    const std::string unit = PublicUnitName(text, [](std::string_view) { return false; });
    REQUIRE((unit.starts_with("other") || unit.ends_with(".mount")));
    JournalEntry entry;
    entry.fields = {{"_TRANSPORT", "kernel"}, {"MESSAGE", text}};
    static_cast<void>(FindingFrom(entry));
  }
}

}  // namespace
}  // namespace candor
