// A laptop below a folder of the test's own, with the package managers' real layouts, and the
// sampler that looks at it, minute by minute.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/samplers/software/software.h"
#include "agent/samplers/support/cursors.h"
#include "common/registry.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

inline std::string DebParagraph(const std::string& name, const std::string& version,
                                const std::string& status = "install ok installed",
                                const std::string& architecture = "amd64") {
  return "Package: " + name + "\nStatus: " + status + "\nArchitecture: " + architecture +
         "\nVersion: " + version + "\nDescription: x\n Version: 9\n\n";
}

// Bytes that g_variant_store wrote for ('flathub', COMMIT, [], size, {…}), the version in the
// middle of other properties, and the key once more as a word in a dictionary of names.
std::string DeployFile(const std::string& version);

class SoftwareLaptop {
 public:
  SoftwareLaptop() {
    roots.proc = folder_.File("proc");
    roots.var = folder_.File("var");
    roots.usr = folder_.File("usr");
    roots.snap = folder_.File("snap");
    std::filesystem::create_directories(roots.var);
  }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path full = folder_.File(path);
    std::filesystem::create_directories(full.parent_path());
    // Replaced as managers do it: another file, another stamp.
    std::ofstream(full.string() + ".new", std::ios::binary) << text;
    std::filesystem::rename(full.string() + ".new", full);
  }
  void Link(const std::string& path, const std::string& target) const {
    const std::filesystem::path full = folder_.File(path);
    std::filesystem::create_directories(full.parent_path());
    std::filesystem::remove(full);
    std::filesystem::create_symlink(target, full);
  }
  void Remove(const std::string& path) const { std::filesystem::remove_all(folder_.File(path)); }

  void SetDebs(const std::map<std::string, std::string>& versions) const {
    std::string text = DebParagraph("dpkg", "1.21.22");
    for (const auto& [name, version] : versions) text += DebParagraph(name, version);
    Write("var/lib/dpkg/status", text);
  }

  // The daemon starts: it knows what was saved.
  void Start() {
    sampler.reset();
    context = std::make_unique<SamplerContext>(
        SamplerContext{io,
                       clock,
                       recorder,
                       roots,
                       [this](std::string_view name) { return saved[std::string(name)]; },
                       {},
                       state()});
    sampler = MakeSoftwareSampler(*context);
  }

  // Five minutes later; what was told is durable unless `durable` is false.
  std::vector<v1::SoftwareChange> Look(bool durable = true, int64_t after_ms = kSoftwareLookMs) {
    if (!sampler) Start();
    clock.Advance(after_ms);
    recorder.events.clear();
    recorder.cursors.clear();
    Tick tick;
    tick.wall_ms = clock.WallMs();
    tick.boottime_ms = clock.BoottimeMs();
    tick.minute_start = true;
    RunSample(io, *sampler, tick);
    if (durable) {
      for (const auto& [name, value] : recorder.cursors) saved[name] = value;
    }
    std::vector<v1::SoftwareChange> changes;
    for (const auto& kept : recorder.events) changes.push_back(kept.event.software_change());
    return changes;
  }

  std::string state() const { return folder_.File("state"); }
  std::string reason(const std::string& manager) const {
    const auto at = recorder.unmeasured.find({event::kSoftwareChange, manager});
    return at == recorder.unmeasured.end() ? std::string() : at->second;
  }

  boost::asio::io_context io;
  ManualClock clock;
  RecordingRecorder recorder;
  LinuxRoots roots;
  std::map<std::string, std::string> saved;
  std::unique_ptr<SamplerContext> context;
  std::unique_ptr<Sampler> sampler;

 private:
  TempFolder folder_;
};

// "deb baseline begins: bash 1; dpkg 2 | deb: bash 1→2; vim →3; nano 4→"
std::string InWords(const std::vector<v1::SoftwareChange>& events);

}  // namespace candor::testing
