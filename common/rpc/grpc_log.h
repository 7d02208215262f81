// gRPC writes its own lines to standard error, where programs promise one clear line.
#pragma once

namespace candor {

// From now on gRPC's lines go to Candor's log, as debug messages. Repeating it does nothing. Any
// thread; whoever makes a channel calls it.
void RouteGrpcLog();

}  // namespace candor
