// An authority of a fleet, and what the tests of this folder ask it for.
#pragma once

#include <string>
#include <vector>

#include "common/random.h"
#include "common/tls/authority.h"

namespace candor::testing {

constexpr int64_t kIssuedMs = 1'790'000'000'000;
inline const Identity kDevice = {Role::kAgent, "0f8fad5b-d9cb-469f-a165-70867728950e"};

struct TestAuthority {
  SeededRandom random{7};
  CertificateAuthority ca = *CertificateAuthority::Create("Fleet", kIssuedMs, random);
  PrivateKey key = *PrivateKey::Generate();
  CertificateRequest request = *CertificateRequest::FromDer(*MakeCertificateRequest(key));

  Certificate Server(const std::vector<std::string>& hosts) {
    return *ca.IssueServer(request, hosts, kIssuedMs, random);
  }
  Certificate Device() { return *ca.IssueClient(request, kDevice, kIssuedMs, random); }
};

}  // namespace candor::testing
