/* Preloaded into a hub, for two drills. Built with: cc -shared -fPIC -O1 -o power.so power.c -ldl
 *
 * HEYAN_TRACE names a file that gets a record of each write, cut, rename, removal and sync of a file below HEYAN_TRACED, so that the
 * folder can be made again as a power cut at any moment would leave it: power_loss.py does.
 *
 * HEYAN_KILL is `CALL PART WHEN N`: the process is killed, as by `kill -9`, at the N-th CALL (`write`, `sync`, `rename`) of a file
 * whose path contains PART; WHEN is `before` or `after` the call. crash_points.py does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { WRITE = 1, CUT = 2, SYNC_BEGINS = 3, SYNC_ENDS = 4, RENAME = 5, REMOVE = 6 };

struct record {
    uint64_t at_ns, number, offset, length;
    uint32_t kind, path_length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -2;
static uint64_t number;
static char call_wanted[16], part_wanted[256], when_wanted[16];
static long calls_left = -1;

static void begin(void) {
    if (trace != -2) return;
    const char *file = getenv("HEYAN_TRACE"), *kill_at = getenv("HEYAN_KILL");
    trace = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (kill_at) sscanf(kill_at, "%15s %255s %15s %ld", call_wanted, part_wanted, when_wanted, &calls_left);
}

/* Whether a path is traced; memory that is shared by mapping is made anew after a power cut. */
static int is_traced(const char *path) {
    const char *below = getenv("HEYAN_TRACED");
    size_t length = strlen(path);
    return trace >= 0 && below && strncmp(path, below, strlen(below)) == 0 &&
           !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

static int path_of(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t found = readlink(link, path, size - 1);
    if (found <= 0 || path[0] != '/') return 0;
    path[found] = 0;
    return 1;
}

/* Writes one record, whole; returns its number. */
static uint64_t note(uint32_t kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record head = {(uint64_t)now.tv_sec * 1000000000u + now.tv_nsec, 0, offset, length, kind, strlen(path)};
    pthread_mutex_lock(&lock);
    head.number = ++number;
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path_length}, {(void *)data, length}};
    if (syscall(SYS_writev, trace, parts, 3) != (long)(sizeof head + head.path_length + length)) abort();
    pthread_mutex_unlock(&lock);
    return head.number;
}

static void may_die(const char *call, const char *path, const char *when) {
    if (calls_left <= 0 || strcmp(call, call_wanted) != 0 || strcmp(when, when_wanted) != 0) return;
    if (strstr(path, part_wanted) == NULL) return;
    if (__sync_sub_and_fetch(&calls_left, 1) == 0) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

static ssize_t writes(int fd, const void *from, size_t count, off64_t at, int has_place) {
    char path[4096];
    begin();
    int known = path_of(fd, path, sizeof path);
    if (known) may_die("write", path, "before");
    if (!has_place && known && is_traced(path)) {
        at = lseek64(fd, 0, SEEK_CUR);
        if (fcntl(fd, F_GETFL) & O_APPEND) at = lseek64(fd, 0, SEEK_END);
    }
    ssize_t done = has_place ? syscall(SYS_pwrite64, fd, from, count, at) : syscall(SYS_write, fd, from, count);
    if (done > 0 && known && is_traced(path)) note(WRITE, path, at, from, done);
    if (done >= 0 && known) may_die("write", path, "after");
    return done;
}

ssize_t write(int fd, const void *from, size_t count) { return writes(fd, from, count, 0, 0); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { return writes(fd, from, count, at, 1); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) { return writes(fd, from, count, at, 1); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[4096];
    begin();
    if (!path_of(fd, path, sizeof path) || !is_traced(path)) return REAL(writev)(fd, parts, count);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = writes(fd, parts[i].iov_base, parts[i].iov_len, 0, 0);
        if (done < 0) return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

static int syncs(int fd, long call) {
    char path[4096];
    begin();
    int known = path_of(fd, path, sizeof path);
    if (known) may_die("sync", path, "before");
    int traced = known && is_traced(path);
    uint64_t begun = traced ? note(SYNC_BEGINS, path, 0, NULL, 0) : 0;
    int done = syscall(call, fd);
    if (traced && done == 0) note(SYNC_ENDS, path, begun, NULL, 0);
    if (known && done == 0) may_die("sync", path, "after");
    return done;
}

int fsync(int fd) { return syncs(fd, SYS_fsync); }
int fdatasync(int fd) { return syncs(fd, SYS_fdatasync); }

static int cuts(int fd, off64_t length) {
    char path[4096];
    begin();
    int done = syscall(SYS_ftruncate, fd, length);
    if (done == 0 && path_of(fd, path, sizeof path) && is_traced(path)) note(CUT, path, length, NULL, 0);
    return done;
}

int ftruncate(int fd, off_t length) { return cuts(fd, length); }
int ftruncate64(int fd, off64_t length) { return cuts(fd, length); }

int rename(const char *from, const char *to) {
    begin();
    may_die("rename", to, "before");
    int done = REAL(rename)(from, to);
    if (done == 0 && is_traced(to)) note(RENAME, to, 0, from, strlen(from));
    if (done == 0) may_die("rename", to, "after");
    return done;
}

int unlink(const char *path) {
    begin();
    int done = REAL(unlink)(path);
    if (done == 0 && is_traced(path)) note(REMOVE, path, 0, NULL, 0);
    return done;
}

/* A file that is emptied as it is opened. */
static void opened(int fd, int flags) {
    char path[4096];
    if (fd >= 0 && (flags & O_TRUNC) && path_of(fd, path, sizeof path) && is_traced(path)) note(CUT, path, 0, NULL, 0);
}

#define OPENS(name)                                                  \
    int name(const char *path, int flags, ...) {                     \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode_t mode = va_arg(rest, mode_t);                          \
        va_end(rest);                                                \
        int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);   \
        opened(fd, flags);                                           \
        return fd;                                                   \
    }
OPENS(open)
OPENS(open64)
