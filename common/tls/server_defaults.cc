#include "common/tls/server_defaults.h"

#include <openssl/conf.h>

#include <memory>
#include <string_view>

#include "common/tls/openssl.h"

namespace candor {
namespace {

using ConfPtr = std::unique_ptr<CONF, OpensslFree<NCONF_free>>;

// OpenSSL's own means to reach every context: its configuration. It replaces the system's section,
// so what Debian has there is said again. NumTickets is a server's word: with diagnostics, which
// Debian 13 has on, OpenSSL would make no context for a client.
constexpr std::string_view kDefaults =
    "openssl_conf = start\n"
    "config_diagnostics = 0\n"
    "[start]\n"
    "ssl_conf = names\n"
    "[names]\n"
    "system_default = defaults\n"
    "[defaults]\n"
    "MinProtocol = TLSv1.2\n"
    "CipherString = DEFAULT@SECLEVEL=2\n"
    "NumTickets = 0\n";

absl::Status Load() {
  // First the system's file, which would otherwise come later and win.
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  const ConfPtr conf(NCONF_new(nullptr));
  const BioPtr text = ReadBio(kDefaults);
  if (NCONF_load_bio(conf.get(), text.get(), nullptr) <= 0 ||
      CONF_modules_load(conf.get(), "openssl_conf", 0) <= 0) {
    return OpensslError("cannot set the defaults of TLS");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DisableSessionTickets() {
  static const absl::Status loaded = Load();
  return loaded;
}

}  // namespace candor
