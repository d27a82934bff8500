/* Preloaded into a hub: makes writes or syncs of chosen files hang or fail while a control file says so.
 * HEYAN_FAULT names the control file; each of its lines is `CALL PART WHAT`: CALL is `sync` or `write`, PART is part of the
 * file's path, WHAT is `hang` or the number of an error. Without the file, or without a line that fits, nothing is changed.
 * Built by tests/drills/faults.py with: cc -shared -fPIC -O1 -o fault.so fault.c */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* What the control file says of a call on `fd`: 0 nothing, -1 hang, otherwise an error. */
static int wanted(const char *call, int fd) {
    const char *control = getenv("HEYAN_FAULT");
    if (control == NULL) return 0;
    int file = open(control, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char text[1024];
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t found = readlink(link, path, sizeof path - 1);
    if (found <= 0) return 0;
    path[found] = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char of[16], part[256], what[16];
        if (sscanf(line, "%15s %255s %15s", of, part, what) != 3) continue;
        if (strcmp(of, call) != 0 || strstr(path, part) == NULL) continue;
        return strcmp(what, "hang") == 0 ? -1 : atoi(what);
    }
    return 0;
}

static int fault(const char *call, int fd) {
    int what;
    while ((what = wanted(call, fd)) == -1) usleep(20000);
    if (what == 0) return 0;
    errno = what;
    return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return fault("sync", fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fault("sync", fd) ? -1 : REAL(fdatasync)(fd); }
ssize_t write(int fd, const void *from, size_t count) { return fault("write", fd) ? -1 : REAL(write)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    return fault("write", fd) ? -1 : REAL(pwrite)(fd, from, count, at);
}
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    return fault("write", fd) ? -1 : REAL(pwrite64)(fd, from, count, at);
}
