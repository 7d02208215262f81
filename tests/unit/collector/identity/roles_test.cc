#include "collector/identity/roles.h"

#include "collector/identity/peer.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("Each role may call what is its own", "[roles]") {
  struct Row {
    std::string_view rpc;
    bool agent, it_admin, it_read, hr;
  };
  const Row row = GENERATE(Row{rpc::kIngestStream, true, false, false, false},
                           Row{rpc::kQueryRun, false, true, true, false},
                           Row{rpc::kAdminCreateToken, false, true, false, false},
                           Row{rpc::kAdminListTokens, false, true, false, false},
                           Row{rpc::kAdminRevokeToken, false, true, false, false},
                           Row{rpc::kAdminRevokeDevice, false, true, false, false},
                           Row{"candor.v1.Admin/Unheard", false, false, false, false});
  INFO(row.rpc);
  REQUIRE(AuthorizeCall({Role::kAgent, "d"}, row.rpc).ok() == row.agent);
  REQUIRE(AuthorizeCall({Role::kItAdmin, "a"}, row.rpc).ok() == row.it_admin);
  REQUIRE(AuthorizeCall({Role::kItRead, "a"}, row.rpc).ok() == row.it_read);
  REQUIRE(AuthorizeCall({Role::kHr, "a"}, row.rpc).ok() == row.hr);
}

TEST_CASE("A wrong role is named", "[roles]") {
  const absl::Status status = AuthorizeCall({Role::kItRead, "a"}, rpc::kAdminCreateToken);
  REQUIRE(absl::IsPermissionDenied(status));
  REQUIRE(status.message() == "wrong role: it-read may not call candor.v1.Admin/CreateToken");
}

TEST_CASE("A peer's address comes without its port", "[roles]") {
  REQUIRE(AddressOfPeer("ipv4:192.0.2.7:4711") == "192.0.2.7");
  REQUIRE(AddressOfPeer("ipv6:%5B2001:db8::1%5D:4711") == "2001:db8::1");
  REQUIRE(AddressOfPeer("ipv6:[2001:db8::1]:4711") == "2001:db8::1");
  REQUIRE(AddressOfPeer("unix:/run/socket") == "unknown");
  REQUIRE(AddressOfPeer("") == "unknown");
  REQUIRE(AddressOfPeer(":") == "unknown");
}

}  // namespace
}  // namespace candor
