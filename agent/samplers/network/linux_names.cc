#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "absl/strings/match.h"
#include "agent/samplers/network/names.h"
#include "agent/samplers/network/resolver.h"
#include "common/files.h"

namespace candor {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::make_address;

struct Nameservers {
  int loopback = 0;
  int others = 0;
};

Nameservers ReadNameservers(const std::string& resolv_conf) {
  Nameservers found;
  const auto text = ReadFile(resolv_conf);
  if (!text.ok()) return found;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::string server;
    if (!(words >> key >> server) || key != "nameserver") continue;
    boost::system::error_code ec;
    const address parsed = make_address(server, ec);
    if (ec) continue;
    ++(parsed.is_loopback() ? found.loopback : found.others);
  }
  return found;
}

}  // namespace

ResolverPlan PlanResolvers(const std::string& etc, const std::string& run) {
  ResolverPlan plan;
  plan.system_conf = etc + "/resolv.conf";
  const Nameservers system = ReadNameservers(plan.system_conf);
  if (system.loopback == 0 && system.others == 0) {
    plan.reason = "no resolver is configured in " + plan.system_conf;
    return plan;
  }
  // Programs ask in the file's order, so one resolver on loopback decides.
  if (system.loopback == 0) {
    plan.timed_conf = plan.system_conf;
    return plan;
  }
  const std::string upstream = run + "/systemd/resolve/resolv.conf";
  const Nameservers real = ReadNameservers(upstream);
  if (real.others > 0 && real.loopback == 0) {
    plan.timed_conf = upstream;
  } else {
    plan.reason = "the configured resolver is on loopback and may answer from its cache";
  }
  return plan;
}

std::vector<address> LookUpHostsFile(const std::string& etc, std::string_view host) {
  std::vector<address> found;
  const auto text = ReadFile(etc + "/hosts");
  if (!text.ok()) return found;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line) && found.size() < kAddressesMax;) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string number;
    if (!(words >> number)) continue;
    for (std::string name; words >> name;) {
      if (!absl::EqualsIgnoreCase(name, absl::string_view(host.data(), host.size()))) continue;
      boost::system::error_code ec;
      const address parsed = make_address(number, ec);
      if (!ec) found.push_back(parsed);
      break;
    }
  }
  return found;
}

std::vector<address> HostsFile::LookUp(const std::string& host) {
  struct stat info {};
  std::string stamp;
  if (::stat((etc_ + "/hosts").c_str(), &info) == 0) {
    for (const int64_t part : {int64_t{info.st_mtim.tv_sec}, int64_t{info.st_mtim.tv_nsec},
                               int64_t{info.st_size}, static_cast<int64_t>(info.st_ino)}) {
      stamp += std::to_string(part) + " ";
    }
  }
  if (stamp != stamp_ || kept_.size() >= kKeptMax) kept_.clear();
  stamp_ = std::move(stamp);
  const auto kept = kept_.find(host);
  if (kept != kept_.end()) return kept->second;
  ++readings_;
  return kept_.emplace(host, LookUpHostsFile(etc_, host)).first->second;
}

}  // namespace candor
