// How many samples a collector takes in per second of its processor time, everything on: TLS with
// client certificates, a sync before each acknowledgement, duplicates looked up, folds and scores.
//
//   candor_bench_ingest [--devices N] [--runs N] [--per-window N] [--scale F]
//
// A *sample* is one raw observation. Laptops put them into one-minute histograms, so the bench does
// too: --per-window observations of a metric and subject in a minute (default 10). For each batch
// size a real candor-collector runs in a folder of its own and is pushed pregenerated batches by
// --devices streams at once; its CPU is read from /proc when everything is acknowledged and again
// when everything is folded and scored. The middle of --runs alternating runs is printed.
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "candor/v1/ingest.grpc.pb.h"
#include "collector/identity/fleet.h"
#include "collector/store/store.h"
#include "common/batch.h"
#include "common/clock.h"
#include "common/columns.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/registry.h"
#include "common/rpc/channel.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using Steady = std::chrono::steady_clock;

struct Options {
  int devices = 16;
  int runs = 3;
  int per_window = 10;
  double scale = 1;
};

struct Load {
  int samples_per_batch = 0;
  int batches_per_device = 0;
};

struct Figures {
  double acked_cpu_s = 0;   // until everything is acknowledged
  double folded_cpu_s = 0;  // until everything is folded too
  double acked_s = 0;
  double folded_s = 0;
  double stored_bytes = 0;  // of the database at rest
  double wire_bytes = 0;    // sealed
  uint64_t samples = 0;
  uint64_t batches = 0;
};

template <typename T>
T Must(absl::StatusOr<T> value, const char* what) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s: %s\n", what, value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}
void Must(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

std::string DeviceId(int device) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012d", device);
  return text;
}

// The metrics and subjects that a laptop's minute fills, in the order of a batch.
struct Source {
  uint32_t metric;
  const char* subject;
};
constexpr Source kSources[] = {
    {metric::kRtt, "chat"},       {metric::kRtt, "mail"},       {metric::kRtt, "wiki"},
    {metric::kDns, "chat"},       {metric::kDns, "mail"},       {metric::kDns, "wiki"},
    {metric::kTls, "chat"},       {metric::kTls, "mail"},       {metric::kTls, "wiki"},
    {metric::kFirstByte, "chat"}, {metric::kFirstByte, "mail"}, {metric::kFirstByte, "wiki"},
    {metric::kPassiveRtt, ""},    {metric::kGatewayRtt, ""},    {metric::kUiReply, ""},
};

// One device's batches, sealed into a chain; minutes follow one another up to now.
class Generator {
 public:
  Generator(int device, const Load& load, int per_window)
      : random_(static_cast<uint64_t>(device) * 1'000'003 + 17),
        place_{static_cast<uint64_t>(device) + 1, 1, ""},
        windows_per_batch_(std::max(1, load.samples_per_batch / per_window)),
        per_window_(per_window),
        at_min_(SystemClock().WallMs() / 60'000 - 2 -
                int64_t{windows_per_batch_} * load.batches_per_device / kSourceCount) {}

  std::string Next() {
    std::vector<MinuteWindows> minutes;
    for (int w = 0; w < windows_per_batch_; ++w) AddWindow(minutes);
    v1::Contents contents;
    EncodeWindows(minutes, contents);
    std::string sealed = SealContents(place_, BatchClass::kWindows, at_min_ * 60'000, contents);
    place_.predecessor = Sha256(sealed);
    ++place_.seq;
    return sealed;
  }

 private:
  static constexpr int kSourceCount = static_cast<int>(std::size(kSources));

  void AddWindow(std::vector<MinuteWindows>& minutes) {
    if (minutes.empty() || minutes.back().minute.wall_min != at_min_) {
      Minute minute;
      minute.wall_min = at_min_;
      minute.boottime_s = at_min_ * 60;
      minute.boot_id = std::string(16, 'b');
      minute.activity = ActivityState::kByInput;
      minutes.push_back({minute, {}});
    }
    Window& window = minutes.back().windows.emplace_back();
    window.metric = kSources[source_].metric;
    window.subject = kSources[source_].subject;
    const double base = 15'000 * (1 + random_.Unit() * 3);
    for (int i = 0; i < per_window_; ++i) {
      window.histogram.Add(static_cast<int64_t>(base * (0.8 + random_.Unit() * 0.6)));
    }
    if (++source_ == kSourceCount) {
      source_ = 0;
      ++at_min_;
    }
  }

  SeededRandom random_;
  BatchPlace place_;
  int windows_per_batch_;
  int per_window_;
  int64_t at_min_;
  int source_ = 0;
};

std::vector<std::string> Generate(int device, const Load& load, int per_window) {
  Generator generator(device, load, per_window);
  std::vector<std::string> sealed;
  for (int i = 0; i < load.batches_per_device; ++i) sealed.push_back(generator.Next());
  return sealed;
}

// A fleet's folder with its devices already enrolled, and their credentials.
std::vector<Credential> MakeFleet(const std::string& data, int devices) {
  SystemRandom random;
  SystemClock clock;
  Must(InitFleet({data, {"localhost"}}, clock, random).status(), "init");
  const Fleet fleet = Must(LoadFleet(data, clock, random), "fleet");
  auto store = Must(Store::Open(data), "store");
  std::vector<Credential> credentials;
  for (int device = 0; device < devices; ++device) {
    const PrivateKey key = Must(PrivateKey::Generate(), "key");
    const auto request =
        Must(CertificateRequest::FromDer(Must(MakeCertificateRequest(key), "request")), "request");
    const auto certificate =
        Must(fleet.authority.IssueClient(request, {Role::kAgent, DeviceId(device)}, clock.WallMs(),
                                         random),
             "certificate");
    Must(store->write_connection().Execute(
             "INSERT INTO device (device_id, host, enrolled_ms, certificate_serial, "
             "certificate_not_after_ms) VALUES ('" +
             DeviceId(device) + "', 'bench', 0, '" + certificate.Serial() + "', 0)"),
         "device");
    credentials.push_back({"", fleet.ca_pem, certificate.Pem(), key.Pem()});
  }
  return credentials;
}

void Push(const std::string& address, const Credential& credential, uint64_t epoch,
          const std::vector<std::string>& sealed) {
  auto stub = v1::Ingest::NewStub(FleetChannel(address, credential));
  grpc::ClientContext context;
  auto stream = stub->Stream(&context);
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(1);
  hello.set_agent_version("bench");
  hello.set_epoch(epoch);
  hello.set_first_held(1);
  hello.set_last_sealed(sealed.size());
  hello.set_wall_ms(SystemClock().WallMs());
  stream->Write(message);
  std::thread writer([&] {
    v1::AgentMessage batch;
    for (const std::string& bytes : sealed) {
      batch.set_batch(bytes);
      if (!stream->Write(batch)) break;
    }
    stream->WritesDone();
  });
  uint64_t through = 0;
  v1::CollectorMessage answer;
  while (stream->Read(&answer)) {
    if (answer.has_ack()) through = answer.ack().through();
  }
  writer.join();
  const grpc::Status status = stream->Finish();
  if (!status.ok() || through != sealed.size()) {
    std::fprintf(stderr, "push ended at %llu of %zu: %s\n",
                 static_cast<unsigned long long>(through), sealed.size(),
                 status.error_message().c_str());
    std::exit(1);
  }
}

// User and system time of a process, all threads.
double CpuSeconds(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

bool Folded(const std::string& database) {
  Database::Options options;
  options.mode = Database::Mode::kReadOnly;
  options.checkpoints = false;
  Database db = Must(Database::Open(database, options), "reader");
  return *db.QueryInt(
             "SELECT (SELECT coalesce(max(id), 0) FROM log) <= "
             "(SELECT coalesce(min(watermark), -1) FROM fold) AND "
             "NOT EXISTS (SELECT 1 FROM score_dirty)") == 1;
}

Figures Run(const Load& load, const Options& options,
            const std::vector<std::vector<std::string>>& batches) {
  testing::TempFolder folder;
  const std::string data = folder.File("data");
  const std::vector<Credential> credentials = MakeFleet(data, options.devices);
  testing::Process collector(
      {.words = {CANDOR_COLLECTOR_PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--enroll",
                 "127.0.0.1:0", "--http", "127.0.0.1:0"}});
  const auto ready = collector.WaitForLine("candor-collector ready", 60'000);
  if (!ready) {
    std::fprintf(stderr, "the collector does not start: %s\n", collector.err().c_str());
    std::exit(1);
  }
  const std::string address = *testing::FieldOf(*ready, "fleet");
  Figures figures;
  const double cpu_before = CpuSeconds(collector.pid());
  const auto start = Steady::now();
  const auto seconds = [&start] {
    return std::chrono::duration<double>(Steady::now() - start).count();
  };
  std::vector<std::thread> laptops;
  for (size_t d = 0; d < batches.size(); ++d) {
    laptops.emplace_back([&, d] { Push(address, credentials[d], d + 1, batches[d]); });
  }
  for (std::thread& laptop : laptops) laptop.join();
  figures.acked_s = seconds();
  figures.acked_cpu_s = CpuSeconds(collector.pid()) - cpu_before;
  while (!Folded(data + "/candor.db")) usleep(20'000);
  figures.folded_s = seconds();
  figures.folded_cpu_s = CpuSeconds(collector.pid()) - cpu_before;
  collector.Signal(SIGTERM);
  collector.Wait(60'000);
  figures.stored_bytes = static_cast<double>(std::filesystem::file_size(data + "/candor.db"));
  for (const auto& device : batches) {
    figures.batches += device.size();
    for (const std::string& bytes : device) figures.wire_bytes += static_cast<double>(bytes.size());
  }
  const int windows = std::max(1, load.samples_per_batch / options.per_window);
  figures.samples = figures.batches * static_cast<uint64_t>(windows * options.per_window);
  return figures;
}

double Middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void PrintRow(const Load& load, const std::vector<Figures>& runs) {
  const auto middle = [&runs](auto value) {
    std::vector<double> values;
    for (const Figures& run : runs) values.push_back(value(run));
    return Middle(std::move(values));
  };
  const Figures& first = runs.front();
  const double samples = static_cast<double>(first.samples);
  const double batches = static_cast<double>(first.batches);
  std::printf("%13d  %9.0f  %12.2f  %14.2f  %13.1f  %10.0f  %9.1f  %9.2f  %8.2f\n",
              load.samples_per_batch, batches,
              middle([&](const Figures& f) { return samples / f.acked_cpu_s / 1e6; }),
              middle([&](const Figures& f) { return samples / f.folded_cpu_s / 1e6; }),
              middle([&](const Figures& f) { return f.acked_cpu_s / batches * 1e6; }),
              middle([&](const Figures& f) { return batches / f.acked_s; }),
              middle([](const Figures& f) { return f.folded_s - f.acked_s; }),
              middle([&](const Figures& f) { return f.wire_bytes / samples; }),
              middle([&](const Figures& f) { return f.stored_bytes / samples; }));
  std::fflush(stdout);
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--devices") options.devices = std::atoi(argv[i + 1]);
    if (name == "--runs") options.runs = std::atoi(argv[i + 1]);
    if (name == "--per-window") options.per_window = std::atoi(argv[i + 1]);
    if (name == "--scale") options.scale = std::atof(argv[i + 1]);
  }
  return options;
}

int Main(int argc, char** argv) {
  const Options options = ReadOptions(argc, argv);
  std::vector<Load> loads;
  for (const auto& [samples, batches] : {std::pair(60, 1'500), {600, 500}, {6'000, 100}}) {
    loads.push_back({samples, std::max(1, static_cast<int>(batches * options.scale))});
  }
  std::printf("%d devices at once, %d samples a window, middle of %d runs, %u cores\n",
              options.devices, options.per_window, options.runs,
              std::thread::hardware_concurrency());
  std::printf("%13s  %9s  %12s  %14s  %13s  %10s  %9s  %9s  %8s\n", "samples/batch", "batches",
              "acked M/cpu-s", "folded M/cpu-s", "us cpu/batch", "batches/s", "fold lag s",
              "wire B/smp", "disk B/smp");
  std::map<int, std::vector<Figures>> figures;
  for (int run = 0; run < options.runs; ++run) {
    for (const Load& load : loads) {
      std::vector<std::vector<std::string>> batches;
      for (int device = 0; device < options.devices; ++device) {
        batches.push_back(Generate(device, load, options.per_window));
      }
      figures[load.samples_per_batch].push_back(Run(load, options, batches));
    }
  }
  for (const Load& load : loads) PrintRow(load, figures[load.samples_per_batch]);
  return 0;
}

}  // namespace
}  // namespace candor

int main(int argc, char** argv) { return candor::Main(argc, argv); }
