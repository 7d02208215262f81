#include "agent/samplers/crash/stack.h"

#include "common/hash.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

// As systemd-coredump writes it.
constexpr std::string_view kAbort = R"(Process 226 (mycrash) of user 1000 dumped core.

Stack trace of thread 226:
#0  0x00007f0aa2e8deec n/a (libc.so.6 + 0x8aeec)
#1  0x00007f0aa2e3efb2 raise (libc.so.6 + 0x3bfb2)
#2  0x00007f0aa2e29472 abort (libc.so.6 + 0x26472)
#3  0x0000564cb6eda180 main (mycrash + 0x1180)

Stack trace of thread 230:
#0  0x00007f0aa2f01234 poll (libc.so.6 + 0xfe234)
ELF object binary architecture: AMD x86-64
)";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST_CASE("the signature is a hash over module and function names of the crashed thread") {
  CHECK(StackSignature(kAbort) ==
        Sha256("libc.so.6!\nlibc.so.6!raise\nlibc.so.6!abort\nmycrash!main\n")
            .substr(0, kSignatureBytes));
}

TEST_CASE("addresses, offsets and process ids do not enter") {
  std::string other = Replaced(std::string(kAbort), "0x00007f0aa2e", "0x00007fffff1");
  other = Replaced(other, "+ 0x1180", "+ 0x2290");
  other = Replaced(other, "226", "99");
  CHECK(StackSignature(other) == StackSignature(kAbort));
}

TEST_CASE("another function or module is another signature, another thread is not") {
  const std::string text(kAbort);
  CHECK(StackSignature(Replaced(text, " main ", " other ")) != StackSignature(kAbort));
  CHECK(StackSignature(Replaced(text, "(mycrash +", "(libfoo.so +")) != StackSignature(kAbort));
  CHECK(StackSignature(Replaced(text, " poll ", " select ")) == StackSignature(kAbort));
}

TEST_CASE("function names may hold blanks and brackets") {
  const std::string a = "Stack trace of thread 1:\n#0  0x0055 foo(int, char) (lib x.so + 0x11)\n";
  CHECK(StackSignature(a) == Sha256("lib x.so!foo(int, char)\n").substr(0, kSignatureBytes));
}

TEST_CASE("a message without trace has no signature") {
  CHECK(StackSignature("Process 1 (sh) of user 0 terminated abnormally without generating a "
                       "coredump.")
            .empty());
  CHECK(StackSignature("Stack trace of thread 5:\nnothing\n").empty());
  CHECK(StackSignature("Stack trace of thread 5:\n#0\n#1 0x\n#2 0x55\n#3 0x55 f\n").empty());
  CHECK(StackSignature("").empty());
}

TEST_CASE("a deep stack counts by its first frames") {
  std::string deep = "Stack trace of thread 1:\n";
  for (int i = 0; i < 100; ++i) {
    deep += "#" + std::to_string(i) + "  0x0055 f" + std::to_string(i) + " (m + 0x1)\n";
  }
  std::string deeper = deep + "#100  0x0055 another (m + 0x1)\n";
  CHECK(StackSignature(deep) == StackSignature(deeper));
  CHECK(StackSignature(deep).size() == kSignatureBytes);
}

TEST_CASE("the threads of a trace, the crashed one first") {
  CHECK(StackThreads(kAbort) == std::vector<uint32_t>{226, 230});
  CHECK(StackThreads("none").empty());
}

TEST_CASE("a fault counts by its module") {
  CHECK(ModuleSignature("libxul.so").size() == kSignatureBytes);
  CHECK(ModuleSignature("libxul.so") != ModuleSignature("libc.so.6"));
  CHECK(ModuleSignature("").empty());
}

}  // namespace
}  // namespace candor
