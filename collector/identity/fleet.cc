#include "collector/identity/fleet.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "collector/identity/audit.h"
#include "collector/store/store.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/status.h"
#include "common/tls/connection.h"
#include "common/tls/credential.h"

namespace candor {
namespace {

constexpr size_t kFleetKeyBytes = 32;
constexpr int kSecretMode = 0600;

struct Paths {
  explicit Paths(const std::string& folder)
      : ca_key(folder + "/ca.key"),
        ca(folder + "/ca.pem"),
        server(folder + "/server.pem"),
        fleet_key(folder + "/fleet.key"),
        admin(folder + "/admin.toml"),
        fingerprint(folder + "/ca.sha256"),
        database(folder + "/candor.db") {}
  // In the order in which init brings them to their place: a folder with the authority's key has
  // all the others.
  std::array<const std::string*, 7> All() const {
    return {&database, &admin, &server, &fleet_key, &fingerprint, &ca, &ca_key};
  }
  std::string ca_key, ca, server, fleet_key, admin, fingerprint, database;
};

std::string StagingFolder(const std::string& folder) { return folder + "/init.tmp"; }

bool Exists(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 || errno != ENOENT;
}

// An earlier init was ended while it brought its files to their place: each is either still where
// it was made or there already. Nothing can have used them without the authority's key.
bool InitWasCutShort(const Paths& made, const Paths& placed) {
  if (!Exists(made.ca_key)) return false;
  for (size_t i = 0; i < made.All().size(); ++i) {
    if (Exists(*made.All()[i]) == Exists(*placed.All()[i])) return false;
  }
  return true;
}

absl::Status RefuseExisting(const Paths& paths) {
  for (const std::string* path : paths.All()) {
    if (Exists(*path)) {
      return absl::AlreadyExistsError(*path +
                                      " exists: nothing was changed; init never overwrites");
    }
  }
  return absl::OkStatus();
}

absl::Status RemoveStaging(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(StagingFolder(folder), error);
  return error ? ErrnoStatus(error.value(), StagingFolder(folder)) : absl::OkStatus();
}

absl::Status PlaceFiles(const Paths& made, const Paths& placed) {
  for (size_t i = 0; i < made.All().size(); ++i) {
    const std::string& from = *made.All()[i];
    if (std::rename(from.c_str(), placed.All()[i]->c_str()) != 0) return ErrnoStatus(errno, from);
  }
  return absl::OkStatus();
}

std::vector<std::string> ServerHosts(const std::vector<std::string>& given) {
  std::vector<std::string> hosts = given;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0 && CheckHostName(name).ok()) hosts.emplace_back(name);
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) hosts.emplace_back(local);
  std::vector<std::string> unique;
  for (std::string& host : hosts) {
    if (std::find(unique.begin(), unique.end(), host) == unique.end()) {
      unique.push_back(std::move(host));
    }
  }
  return unique;
}

absl::Status WriteServer(const Paths& paths, const CertificateAuthority& authority,
                         const std::vector<std::string>& hosts, int64_t now_ms, Random& random) {
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate());
  CANDOR_ASSIGN_OR_RETURN(const std::string der, MakeCertificateRequest(key));
  CANDOR_ASSIGN_OR_RETURN(const CertificateRequest request, CertificateRequest::FromDer(der));
  CANDOR_ASSIGN_OR_RETURN(const Certificate server,
                          authority.IssueServer(request, hosts, now_ms, random));
  // One file for key and certificates: a crash can never leave halves of two pairs.
  return WriteFileAtomically(paths.server, key.Pem() + server.Pem() + authority.certificate().Pem(),
                             kSecretMode);
}

absl::Status WriteAdministrator(const Paths& paths, const CertificateAuthority& authority,
                                const std::string& collector, int64_t now_ms, Random& random) {
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate());
  CANDOR_ASSIGN_OR_RETURN(const std::string der, MakeCertificateRequest(key));
  CANDOR_ASSIGN_OR_RETURN(const CertificateRequest request, CertificateRequest::FromDer(der));
  CANDOR_ASSIGN_OR_RETURN(
      const Certificate certificate,
      authority.IssueClient(request, {Role::kItAdmin, "admin"}, now_ms, random));
  const Credential credential = {collector, authority.certificate().Pem(), certificate.Pem(),
                                 key.Pem()};
  return SaveCredential(paths.admin, credential,
                        "The first administrator's credential of this fleet (role it-admin).\n"
                        "Whoever can read this file administers the fleet.");
}

absl::Status MakeDatabase(const std::string& folder, int64_t now_ms) {
  CANDOR_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(folder));
  Database& db = store->write_connection();
  CANDOR_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db));
  CANDOR_RETURN_IF_ERROR(AppendAudit(db, {now_ms, "local:init", "fleet create", "", ""}));
  return transaction.Commit();
}

struct ServerFile {
  Certificate certificate;
  PrivateKey key;
};

absl::StatusOr<ServerFile> ReadServer(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string pem, ReadSecretFile(path));
  absl::StatusOr<Certificate> certificate = Certificate::FromPem(pem);
  if (!certificate.ok()) return Prefix(certificate.status(), path);
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(pem);
  if (!key.ok()) return Prefix(key.status(), path);
  CANDOR_RETURN_IF_ERROR(Prefix(certificate->CheckKey(*key), path));
  return ServerFile{*std::move(certificate), *std::move(key)};
}

// The server's certificate; a new one for the same hosts when it is time.
absl::StatusOr<ServerFile> CurrentServer(const Paths& paths, const CertificateAuthority& authority,
                                         int64_t now_ms, Random& random) {
  absl::StatusOr<ServerFile> server = ReadServer(paths.server);
  if (!server.ok() || now_ms < RenewalDueMs(server->certificate)) return server;
  CANDOR_RETURN_IF_ERROR(
      WriteServer(paths, authority, server->certificate.Hosts(), now_ms, random));
  LogInfo("server certificate renewed", {{"file", paths.server}});
  return ReadServer(paths.server);
}

absl::StatusOr<CertificateAuthority> ReadAuthority(const Paths& paths, int64_t now_ms) {
  CANDOR_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::Load(paths.ca_key));
  CANDOR_ASSIGN_OR_RETURN(const std::string pem, ReadFile(paths.ca));
  absl::StatusOr<Certificate> certificate = Certificate::FromPem(pem);
  if (!certificate.ok()) return Prefix(certificate.status(), paths.ca);
  CANDOR_RETURN_IF_ERROR(
      Prefix(certificate->CheckDates(now_ms, "the fleet authority's"), paths.ca));
  absl::StatusOr<CertificateAuthority> authority =
      CertificateAuthority::From(*std::move(certificate), std::move(key));
  if (!authority.ok()) return Prefix(authority.status(), paths.ca);
  return authority;
}

}  // namespace

absl::StatusOr<InitResult> InitFleet(const InitOptions& options, const Clock& clock,
                                     Random& random) {
  // Everything is made aside and then brought to its place: an init that is cut short is begun
  // again.
  const std::string staging = StagingFolder(options.folder);
  const Paths placed(options.folder);
  const Paths paths(staging);
  for (const std::string& host : options.hosts) CANDOR_RETURN_IF_ERROR(CheckHostName(host));
  if (!InitWasCutShort(paths, placed)) CANDOR_RETURN_IF_ERROR(RefuseExisting(placed));
  CANDOR_RETURN_IF_ERROR(MakeFolder(options.folder, 0700));
  if (chmod(options.folder.c_str(), 0700) != 0) return ErrnoStatus(errno, options.folder);
  CANDOR_RETURN_IF_ERROR(RemoveStaging(options.folder));
  CANDOR_RETURN_IF_ERROR(MakeFolder(staging, 0700));

  const int64_t now_ms = clock.WallMs();
  InitResult result;
  result.hosts = ServerHosts(options.hosts);
  result.admin_path = placed.admin;
  result.collector =
      HostPort{options.hosts.empty() ? "127.0.0.1" : options.hosts.front(), kDefaultFleetPort}
          .Text();
  CANDOR_ASSIGN_OR_RETURN(const CertificateAuthority authority,
                          CertificateAuthority::Create("Candor fleet authority", now_ms, random));
  result.fingerprint = authority.certificate().Fingerprint();
  CANDOR_RETURN_IF_ERROR(authority.key().Save(paths.ca_key));
  CANDOR_RETURN_IF_ERROR(WriteFileAtomically(paths.ca, authority.certificate().Pem(), kSecretMode));
  CANDOR_RETURN_IF_ERROR(WriteServer(paths, authority, result.hosts, now_ms, random));
  CANDOR_RETURN_IF_ERROR(
      WriteFileAtomically(paths.fleet_key, random.Bytes(kFleetKeyBytes), kSecretMode));
  CANDOR_RETURN_IF_ERROR(WriteAdministrator(paths, authority, result.collector, now_ms, random));
  CANDOR_RETURN_IF_ERROR(MakeDatabase(staging, now_ms));
  CANDOR_RETURN_IF_ERROR(
      WriteFileAtomically(paths.fingerprint, result.fingerprint + "\n", kSecretMode));
  CANDOR_RETURN_IF_ERROR(PlaceFiles(paths, placed));
  CANDOR_RETURN_IF_ERROR(RemoveStaging(options.folder));
  return result;
}

std::string DescribeInit(const InitOptions& options, const InitResult& result) {
  std::string hosts;
  for (const std::string& host : result.hosts) hosts += (hosts.empty() ? "" : ", ") + host;
  return "Fleet authority (SHA-256): " + result.fingerprint + "\n" +
         "Laptops reach it as:       " + hosts + "\n" +
         "Administrator credential:  " + result.admin_path + "\n\n" +
         "Next:\n"
         "  candor-collector --data " +
         options.folder + "\n" + "  export CANDOR_CREDENTIAL=" + result.admin_path + "\n" +
         "  candor token create > FILE\n"
         "  candor-agent enroll --collector " +
         HostPort{options.hosts.empty() ? "127.0.0.1" : options.hosts.front(),
                  kDefaultEnrollmentPort}
             .Text() +
         " --token-file FILE \\\n    --ca-fingerprint " + result.fingerprint + "\n";
}

absl::Status RequireFleet(const std::string& folder) {
  const Paths paths(folder);
  const std::array needed = {&paths.ca_key, &paths.ca, &paths.server, &paths.fleet_key,
                             &paths.database};
  const auto missing = [](const std::string* path) { return !Exists(*path); };
  if (std::all_of(needed.begin(), needed.end(), missing) ||
      InitWasCutShort(Paths(StagingFolder(folder)), paths)) {
    return absl::NotFoundError(folder + " has no fleet yet: candor-collector init --data " +
                               folder);
  }
  if (const auto at = std::find_if(needed.begin(), needed.end(), missing); at != needed.end()) {
    return absl::FailedPreconditionError(
        **at + " is missing, other files of the fleet are there: restore it from a backup");
  }
  struct stat info = {};
  if (stat(paths.database.c_str(), &info) == 0 && info.st_size == 0) {
    return absl::FailedPreconditionError(paths.database + " is empty: restore it from a backup");
  }
  return absl::OkStatus();
}

absl::StatusOr<Fleet> LoadFleet(const std::string& folder, const Clock& clock, Random& random) {
  CANDOR_RETURN_IF_ERROR(RequireFleet(folder));
  const Paths paths(folder);
  CANDOR_ASSIGN_OR_RETURN(CertificateAuthority authority, ReadAuthority(paths, clock.WallMs()));
  CANDOR_ASSIGN_OR_RETURN(const ServerFile server,
                          CurrentServer(paths, authority, clock.WallMs(), random));
  CANDOR_ASSIGN_OR_RETURN(std::string fleet_key, ReadSecretFile(paths.fleet_key));
  if (fleet_key.size() != kFleetKeyBytes) {
    return absl::DataLossError(paths.fleet_key + " does not hold 32 bytes");
  }
  const std::string ca_pem = authority.certificate().Pem();
  return Fleet{std::move(authority), ca_pem, server.certificate.Pem() + ca_pem, server.key.Pem(),
               std::move(fleet_key)};
}

std::string DeviceKey(std::string_view fleet_key, std::string_view device_id) {
  return HkdfSha256(fleet_key, "", "candor device key 1 " + std::string(device_id), kSha256Bytes);
}

}  // namespace candor
