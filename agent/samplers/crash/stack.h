// The stack trace in systemd-coredump's message, reduced to what may leave: a hash over module and
// function names, which tells two crashes of the same cause from two different ones. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace candor {

constexpr size_t kSignatureBytes = 8;
constexpr size_t kFramesMax = 16;
constexpr size_t kThreadsMax = 32;

// First bytes of the SHA-256 over "module!function" lines of the crashed thread's first frames;
// empty where there is no trace. Addresses and offsets never enter, so that the same crash has the
// same signature in every process; a function without a name counts by its module.
std::string StackSignature(std::string_view message);

// The same for a fault of which only the module is known.
std::string ModuleSignature(std::string_view module);

// Ids of the threads whose stacks the message holds, the crashed one first.
std::vector<uint32_t> StackThreads(std::string_view message);

}  // namespace candor
