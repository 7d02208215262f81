#include "common/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include "common/log.h"

namespace candor {

void RouteGrpcLog() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    LogDebug("grpc", {{"text", line->message}, {"at", line->file}, {"line", line->line}});
  });
}

}  // namespace candor
