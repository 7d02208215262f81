#include "collector/server/collector.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "candor/v1/ingest.pb.h"
#include "collector/fold/folder.h"
#include "collector/identity/device_directory.h"
#include "collector/identity/fleet.h"
#include "collector/identity/grpc_credentials.h"
#include "collector/identity/peer.h"
#include "collector/identity/roles.h"
#include "collector/identity/services.h"
#include "collector/ingest/service.h"
#include "collector/query/service.h"
#include "collector/server/grpc_listener.h"
#include "collector/server/housekeeping.h"
#include "collector/server/local_http.h"
#include "collector/server/model_dates.h"
#include "collector/server/offline.h"
#include "collector/server/status_source.h"
#include "collector/store/store.h"
#include "collector/store/writer.h"
#include "common/log.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

// Enough for every request; laptops and people send less.
constexpr int kEnrollmentMessageBytesMax = 64 << 10;

Retention RetentionOf(const CollectorSettings& settings) {
  Retention retention;
  retention.open_days = static_cast<int>(settings.seal_after_days);
  retention.log_days_after_sealing = static_cast<int>(settings.log_days - settings.seal_after_days);
  retention.fact_days = static_cast<int>(settings.fact_days);
  return retention;
}

IngestLimits LimitsOf(const CollectorSettings& settings) {
  IngestLimits limits;
  limits.pending_bytes_max = static_cast<size_t>(settings.pending_mib_max) << 20;
  limits.streams_max = static_cast<int>(settings.streams_max);
  limits.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return limits;
}

IngestAccess AccessOf(const DeviceDirectory& directory) {
  IngestAccess access;
  access.admit = [&directory](const grpc::ServerContextBase& context) -> absl::StatusOr<int64_t> {
    CANDOR_ASSIGN_OR_RETURN(const Identity identity, AuthorizePeer(context, rpc::kIngestStream));
    return directory.Admit(identity);
  };
  access.may_send = [&directory](int64_t device) { return directory.MaySend(device); };
  access.devices = [&directory] { return directory.active(); };
  return access;
}

}  // namespace

// Declared in the order in which they start; destroyed backwards.
struct Collector::Parts {
  Parts(const CollectorSettings& s, const Clock& c, Random& r, std::unique_ptr<Store> opened,
        Fleet f)
      : settings(s),
        clock(c),
        random(r),
        fleet(std::move(f)),
        configurations(ConfigurationFor(s)),
        store(std::move(opened)) {}
  ~Parts() {
    if (http != nullptr) LogInfo("candor-collector stopping");
    http.reset();
    if (enroll_listener != nullptr) enroll_listener->Shutdown(kGraceMs);
    if (fleet_listener != nullptr) fleet_listener->Shutdown(kGraceMs);
    queue.reset();  // its last answers go to streams of the service
  }

  absl::Status LoadStore();
  absl::Status StartWork();
  absl::Status Listen();

  CollectorSettings settings;
  const Clock& clock;
  Random& random;
  const Fleet fleet;
  IngestStats stats;
  Configurations configurations;
  std::atomic<uint32_t> fleet_port = 0;
  std::optional<ModelSet> models;

  std::unique_ptr<Store> store;
  std::unique_ptr<DeviceDirectory> directory;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Folder> folder;
  std::unique_ptr<Housekeeping> housekeeping;
  std::unique_ptr<IngestQueue> queue;
  std::unique_ptr<grpc::Service> ingest_service;
  std::unique_ptr<grpc::Service> query_service;
  std::unique_ptr<grpc::Service> admin_service;
  std::unique_ptr<grpc::Service> enrollment_service;
  std::unique_ptr<GrpcListener> fleet_listener;
  std::unique_ptr<GrpcListener> enroll_listener;
  std::unique_ptr<StatusSource> status;
  std::unique_ptr<LocalHttp> http;
};

absl::Status Collector::Parts::LoadStore() {
  Database& db = store->write_connection();
  CANDOR_ASSIGN_OR_RETURN(models, LoadModels(settings.data));
  CANDOR_RETURN_IF_ERROR(
      ApplyModelDates(db, settings.models, *models, LocalDay(clock.WallMs(), 0)));
  CANDOR_ASSIGN_OR_RETURN(directory, DeviceDirectory::Load(db));
  return absl::OkStatus();
}

absl::Status Collector::Parts::StartWork() {
  writer = std::make_unique<Writer>(store->write_connection());
  folder = std::make_unique<Folder>(*store, *writer, *models);
  CANDOR_RETURN_IF_ERROR(folder->Start());
  housekeeping = std::make_unique<Housekeeping>(*writer, clock, RetentionOf(settings));
  housekeeping->Start();
  queue =
      std::make_unique<IngestQueue>(*writer, stats, [this](int64_t head) { folder->Notify(head); });
  return absl::OkStatus();
}

absl::Status Collector::Parts::Listen() {
  ingest_service = MakeIngestService(
      {*queue, stats, configurations, clock, random, AccessOf(*directory), LimitsOf(settings)});
  admin_service = MakeAdminService({*writer, *directory, clock, random});
  enrollment_service = MakeEnrollmentService(
      {fleet.authority, fleet.fleet_key, *writer, *directory, clock, random}, fleet_port);
  QueryServiceParts query{
      *store,
      MakeAuditSink(*writer, clock),
      *models,
      clock,
      [this](int64_t device, int64_t until_ms) { configurations.Watch(device, until_ms); },
      {}};
  CANDOR_ASSIGN_OR_RETURN(query_service, MakeQueryService(std::move(query)));
  GrpcListener::Options options;
  options.address = settings.listen_fleet;
  options.credentials = FleetServerCredentials(fleet);
  options.services = {ingest_service.get(), query_service.get(), admin_service.get()};
  options.message_bytes_max = kIngestMessageBytesMax;
  CANDOR_ASSIGN_OR_RETURN(fleet_listener, GrpcListener::Start(options));
  fleet_port = static_cast<uint32_t>(fleet_listener->port());
  options.address = settings.listen_enroll;
  options.credentials = EnrollmentServerCredentials(fleet);
  options.services = {enrollment_service.get()};
  options.message_bytes_max = kEnrollmentMessageBytesMax;
  CANDOR_ASSIGN_OR_RETURN(enroll_listener, GrpcListener::Start(options));
  CANDOR_ASSIGN_OR_RETURN(
      status, StatusSource::Create({*store, *writer, stats, [this] { return directory->active(); },
                                    [this] { return folder->state().error; }, clock.WallMs()}));
  CANDOR_ASSIGN_OR_RETURN(http, LocalHttp::Start(settings.listen_http, [this](const auto& path) {
                            return status->Page(path);
                          }));
  return absl::OkStatus();
}

Collector::Collector(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Collector::~Collector() = default;

absl::StatusOr<std::unique_ptr<Collector>> Collector::Start(const CollectorSettings& settings,
                                                            const Clock& clock, Random& random) {
  // The store's lock comes first: whoever does not hold it changes nothing in the folder, and
  // loading the fleet may renew the server's certificate.
  CANDOR_RETURN_IF_ERROR(RequireFleet(settings.data));
  CANDOR_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, Store::Open(settings.data));
  CANDOR_ASSIGN_OR_RETURN(Fleet fleet, LoadFleet(settings.data, clock, random));
  auto parts = std::make_unique<Parts>(settings, clock, random, std::move(store), std::move(fleet));
  CANDOR_RETURN_IF_ERROR(parts->LoadStore());
  CANDOR_RETURN_IF_ERROR(parts->StartWork());
  CANDOR_RETURN_IF_ERROR(parts->Listen());
  return std::unique_ptr<Collector>(new Collector(std::move(parts)));
}

void Collector::Reload(const CollectorSettings& settings) {
  CollectorSettings& now = parts_->settings;
  const bool restart = settings.data != now.data || settings.listen_fleet != now.listen_fleet ||
                       settings.listen_enroll != now.listen_enroll ||
                       settings.listen_http != now.listen_http || settings.models != now.models ||
                       settings.pending_mib_max != now.pending_mib_max ||
                       settings.streams_max != now.streams_max;
  if (restart) {
    LogWarning("data, listen, model and limits take effect with the next start only");
  }
  if (settings.log_level != now.log_level) SetLogLevel(ParseLogLevel(settings.log_level));
  parts_->configurations.Set(ConfigurationFor(settings));
  parts_->housekeeping->SetRetention(RetentionOf(settings));
  now = settings;
}

std::string Collector::fleet_address() const { return parts_->fleet_listener->address(); }
std::string Collector::enroll_address() const { return parts_->enroll_listener->address(); }
std::string Collector::http_address() const { return parts_->http->address(); }

}  // namespace candor
