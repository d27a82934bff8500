/* Preloaded into a hub: its wall clock is off by the seconds that the file HEYAN_CLOCK holds; the monotonic clock is right.
 * With HEYAN_CLOCK_BOTH the monotonic clock is off by as much: then the time has really passed, as far as the hub can tell.
 * Built by clock.py with: cc -shared -fPIC -O1 -o clock.so clock.c */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long off_s;
static volatile long looked_ms;

/* Looks into the file at most every 10 ms. */
static long off(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    long ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    const char *file = getenv("HEYAN_CLOCK");
    if (file && ms - looked_ms >= 10) {
        looked_ms = ms;
        char text[32];
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0) close(fd);
        if (length > 0) {
            text[length] = 0;
            off_s = atol(text);
        }
    }
    return off_s;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int done = syscall(SYS_clock_gettime, clock, at);
    int both = getenv("HEYAN_CLOCK_BOTH") != NULL;
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || both)) at->tv_sec += off();
    return done;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    int done = syscall(SYS_gettimeofday, at, zone);
    if (done == 0 && at) at->tv_sec += off();
    return done;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
