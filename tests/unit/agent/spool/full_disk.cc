#include "tests/unit/agent/spool/full_disk.h"

#include <algorithm>
#include <stdexcept>

namespace candor::testing {
namespace {

struct File {
  sqlite3_file base;
  FullDisk* disk;
  sqlite3_file* real;  // in the memory behind this struct
};

sqlite3_vfs* Real() { return sqlite3_vfs_find("unix"); }
File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* RealOf(sqlite3_file* file) { return Of(file)->real; }
const sqlite3_io_methods* Calls(sqlite3_file* file) { return RealOf(file)->pMethods; }

int Close(sqlite3_file* f) { return Calls(f)->xClose(RealOf(f)); }
int Read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
  return Calls(f)->xRead(RealOf(f), to, n, at);
}
sqlite3_int64 SizeOf(sqlite3_file* f) {
  sqlite3_int64 size = 0;
  Calls(f)->xFileSize(RealOf(f), &size);
  return size;
}
int Write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
  if (Of(f)->disk->full()) return SQLITE_FULL;
  const sqlite3_int64 growth = std::max<sqlite3_int64>(0, at + n - SizeOf(f));
  if (!Of(f)->disk->Take(growth)) return SQLITE_FULL;
  return Calls(f)->xWrite(RealOf(f), from, n, at);
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (!Of(f)->disk->Take(size - SizeOf(f))) return SQLITE_FULL;
  return Calls(f)->xTruncate(RealOf(f), size);
}
int Sync(sqlite3_file* f, int flags) { return Calls(f)->xSync(RealOf(f), flags); }
int FileSize(sqlite3_file* f, sqlite3_int64* size) { return Calls(f)->xFileSize(RealOf(f), size); }
int Lock(sqlite3_file* f, int level) { return Calls(f)->xLock(RealOf(f), level); }
int Unlock(sqlite3_file* f, int level) { return Calls(f)->xUnlock(RealOf(f), level); }
int CheckLock(sqlite3_file* f, int* out) { return Calls(f)->xCheckReservedLock(RealOf(f), out); }
int Control(sqlite3_file* f, int op, void* arg) {
  return Calls(f)->xFileControl(RealOf(f), op, arg);
}
int SectorSize(sqlite3_file* f) { return Calls(f)->xSectorSize(RealOf(f)); }
int Traits(sqlite3_file* f) { return Calls(f)->xDeviceCharacteristics(RealOf(f)); }
int ShmMap(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  if (Of(f)->disk->full() && extend != 0) return SQLITE_IOERR_SHMSIZE;
  return Calls(f)->xShmMap(RealOf(f), page, size, extend, out);
}
int ShmLock(sqlite3_file* f, int at, int n, int flags) {
  return Calls(f)->xShmLock(RealOf(f), at, n, flags);
}
void ShmBarrier(sqlite3_file* f) { Calls(f)->xShmBarrier(RealOf(f)); }
int ShmUnmap(sqlite3_file* f, int remove) { return Calls(f)->xShmUnmap(RealOf(f), remove); }

const sqlite3_io_methods kMethods = {
    2,       Close,      Read,   Write,  Truncate, Sync,       FileSize, Lock,    Unlock, CheckLock,
    Control, SectorSize, Traits, ShmMap, ShmLock,  ShmBarrier, ShmUnmap, nullptr, nullptr};

int Open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  File* mine = Of(file);
  mine->disk = static_cast<FullDisk*>(vfs->pAppData);
  mine->real = reinterpret_cast<sqlite3_file*>(mine + 1);
  mine->base.pMethods = nullptr;
  const int code = Real()->xOpen(Real(), name, mine->real, flags, out);
  if (code == SQLITE_OK) mine->base.pMethods = &kMethods;
  return code;
}

}  // namespace

FullDisk::FullDisk() {
  vfs_ = *Real();
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + Real()->szOsFile;
  vfs_.zName = name();
  vfs_.pAppData = this;
  vfs_.xOpen = Open;
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::runtime_error("cannot register VFS");
}

bool FullDisk::Take(int64_t bytes) {
  if (!room_) return true;
  if (bytes > *room_) return false;
  *room_ -= bytes;
  return true;
}

FullDisk::~FullDisk() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace candor::testing
