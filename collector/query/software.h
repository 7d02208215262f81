// What devices have installed, read for several views (table software). On a view's connection.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "candor/v1/envelope.pb.h"
#include "collector/query/view.h"

namespace candor {

// A name as somebody asks for it: part of a name in any case, or where there is a '*' or a '?', all
// of it. Empty: every name.
class SoftwarePattern {
 public:
  static constexpr size_t kBytesMax = 200;

  // InvalidArgument where it is longer.
  static absl::StatusOr<SoftwarePattern> Parse(std::string_view text);
  bool Matches(std::string_view name) const;

 private:
  std::string text_;  // lower case
  bool whole_ = false;
};

// A package in one version, and who has it. Valid during the call.
struct InstalledVersion {
  std::string_view manager;
  std::string_view name;
  std::string_view version;
  std::span<const int64_t> devices;  // device.no, at least one
};

// Each version of each package whose name fits, of all devices that are not revoked, of
// `request.only_devices` or of the one device the request names; by name and manager. One name is
// a few steps along an index; all names of 50,000 devices are 125 million of them, half a minute.
absl::Status ForEachInstalled(ViewContext& context, const ViewRequest& request,
                              const SoftwarePattern& pattern,
                              const std::function<void(const InstalledVersion& installed)>& fn);

// "1.0 → 1.1", "1.0 → gone", "new: 1.1"
std::string SoftwareChangeText(const v1::SoftwareChange::Change& change);

}  // namespace candor
