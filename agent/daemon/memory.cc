#include "agent/daemon/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdint>

namespace candor {
namespace {

int ForgetPages(dl_phdr_info* object, size_t, void*) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const uintptr_t begin = (object->dlpi_addr + part.p_vaddr) & ~(page - 1);
    const uintptr_t end =
        (object->dlpi_addr + part.p_vaddr + part.p_filesz + page - 1) & ~(page - 1);
    // Only advice: where it is not taken the pages stay.
    madvise(std::bit_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void GiveBackMemory() {
  malloc_trim(0);
  dl_iterate_phdr(ForgetPages, nullptr);
}

}  // namespace candor
