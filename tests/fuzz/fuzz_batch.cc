// Any bytes as a batch: parsed, inflated, checked, and when all of that passes, decoded.
#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/columns.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

// The first byte chooses: a whole batch, or contents alone, which compression would hide.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  candor::v1::Contents contents;
  if (data[0] % 2 == 0) {
    candor::v1::SealedBatch batch;
    if (!candor::ParseSealed(bytes, batch).ok()) return 0;
    if (!candor::ParseContents(batch, contents).ok()) return 0;
  } else {
    if (!contents.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return 0;
    if (!candor::ValidateColumns(contents).ok()) return 0;
  }
  if (!candor::DecodeWindows(contents).ok()) std::abort();
  return 0;
}
