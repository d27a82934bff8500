// The load of the drills: many kept connections from one thread, closed loop or open loop, answers told apart by class.
//
// Usage: load HOST PORT PATH BODIES CONNECTIONS SECONDS RATE COUNT, the token in LOAD_TOKEN; BODIES: one body a line.
// RATE 0: closed loop; whose request is refused (429, 503) waits as Retry-After says and up to half of it more.
// RATE n: n requests a second are due whatever the answers; latency counts from when one was due, and one that no
// connection was free for within LOAD_PATIENCE_MS (1000) is given up. COUNT 0: no limit of requests.
// It ends in time or with SIGTERM, and prints one JSON object: counts, latencies in microseconds by class, and answers of 200 in each tenth of a second.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, SUB = 64, BUCKETS = 40 * SUB, SERIES_MAX = 36000 };
enum state { CLOSED, CONNECTING, FREE, WRITING, READING, WAITING };
enum class { OK, REFUSED, OTHER, CLASSES };

struct hist {
  uint64_t n, max, sum, slots[BUCKETS];
};

struct conn {
  int fd, status, bare, close;
  enum state state;
  const struct request *request;
  size_t written, head, body_left;
  uint64_t due, sent, wake;
  double retry_after;
  char buffer[HEAD_MAX + 1];
};

struct request {
  char *text;
  size_t size;
};

static struct conn *conns;
static int count, poller, *stack, free_count;
static struct request *requests;
static size_t request_count, next_request;
static struct sockaddr_in peer;
static struct hist latency[CLASSES];
static uint64_t begin, end, due_next, interval_x1000, due_number, patience;
static uint64_t sent_n, sent_max, unsent, broken, bare_refusals;
static uint64_t statuses[600], body_bytes;
static uint32_t series[SERIES_MAX];

static volatile sig_atomic_t stopped;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(3);
}

// Log-linear: 32 steps an octave, so a percentile is right within 3 %.
static void record(struct hist *h, uint64_t us) {
  int shift = us < SUB ? 0 : 64 - __builtin_clzll(us) - 6;
  size_t slot = us < SUB ? us : (size_t)shift * (SUB / 2) + (us >> shift);
  h->slots[slot < BUCKETS ? slot : BUCKETS - 1]++;
  h->n++;
  h->sum += us;
  if (us > h->max) h->max = us;
}

static uint64_t percentile(const struct hist *h, double percent) {
  uint64_t wanted = (uint64_t)ceil((double)h->n * percent / 100), seen = 0;
  for (size_t slot = 0; slot < BUCKETS; slot++) {
    seen += h->slots[slot];
    if (seen >= wanted && h->slots[slot]) {
      if (slot < SUB) return slot;
      size_t shift = (slot - SUB / 2) / (SUB / 2);
      return (slot - shift * (SUB / 2)) << shift;
    }
  }
  return h->max;
}

static void watch(struct conn *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event)) fail("epoll");
}

static void open_conn(struct conn *c) {
  if (c->fd >= 0) close(c->fd);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll");
  if (connect(c->fd, (struct sockaddr *)&peer, sizeof peer) && errno != EINPROGRESS) fail("connect");
  c->state = CONNECTING;
}

static void lost(struct conn *c) {
  if (c->state == READING || c->state == WRITING) broken++;
  open_conn(c);
}

static void push(struct conn *c) {
  while (c->written < c->request->size) {
    ssize_t n = send(c->fd, c->request->text + c->written, c->request->size - c->written, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      if (c->state != WRITING) watch(c, EPOLLOUT | EPOLLIN);
      c->state = WRITING;
      return;
    }
    if (n < 0) return lost(c);
    c->written += (size_t)n;
  }
  if (c->state != READING) watch(c, EPOLLIN);
  c->state = READING;
}

static void start(struct conn *c, uint64_t due) {
  if (sent_max && sent_n >= sent_max) {
    c->state = FREE;
    return;
  }
  c->request = &requests[next_request++ % request_count];
  c->written = c->head = c->body_left = 0;
  c->status = c->close = 0;
  c->bare = 3;
  c->retry_after = 0;
  c->due = due;
  c->sent = now_ns();
  sent_n++;
  c->state = READING;
  push(c);
}

static void ready(struct conn *c) {
  c->state = FREE;
  if (interval_x1000) stack[free_count++] = (int)(c - conns);
  else start(c, now_ns());
}

// One answer is whole.
static void done(struct conn *c) {
  uint64_t now = now_ns();
  enum class class = c->status == 200 ? OK : c->status == 429 || c->status == 503 ? REFUSED : OTHER;
  // A refusal is quick or slow by itself; an answer is late by what its request waited for a connection too.
  record(&latency[class], (now - (class == OK ? c->due : c->sent)) / 1000);
  statuses[c->status >= 0 && c->status < 600 ? c->status : 0]++;
  size_t tenth = (now - begin) / 100000000u;
  if (class == OK && tenth < SERIES_MAX) series[tenth]++;
  if (class == REFUSED && c->bare) bare_refusals++;
  if (c->close) return open_conn(c);
  if (class == REFUSED && !interval_x1000 && c->retry_after > 0) {
    c->state = WAITING;
    c->wake = now + (uint64_t)(c->retry_after * 1e9 * (1 + 0.5 * (double)rand() / RAND_MAX));
    return;
  }
  ready(c);
}

static int head_of(struct conn *c, char *stop) {
  if (sscanf(c->buffer, "HTTP/1.1 %d", &c->status) != 1) return 0;
  *stop = 0;
  for (char *line = strstr(c->buffer, "\r\n"); line; line = strstr(line, "\r\n")) {
    line += 2;
    if (!strncasecmp(line, "content-length:", 15)) c->body_left = strtoul(line + 15, NULL, 10);
    else if (!strncasecmp(line, "retry-after:", 12)) c->retry_after = strtod(line + 12, NULL), c->bare &= ~1;
    else if (!strncasecmp(line, "content-type: application/problem+json", 38)) c->bare &= ~2;
    else if (!strncasecmp(line, "connection: close", 17)) c->close = 1;
  }
  body_bytes += c->body_left;
  return 1;
}

static void pull(struct conn *c) {
  static char waste[1 << 18];
  for (;;) {
    int in_head = c->status == 0;
    ssize_t n = in_head ? recv(c->fd, c->buffer + c->head, HEAD_MAX - c->head, 0)
                        : recv(c->fd, waste, c->body_left < sizeof waste ? c->body_left : sizeof waste, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return lost(c);
    if (in_head) {
      c->head += (size_t)n;
      c->buffer[c->head] = 0;
      char *stop = strstr(c->buffer, "\r\n\r\n");
      if (!stop && c->head == HEAD_MAX) return lost(c);
      if (!stop) continue;
      size_t body = c->head - (size_t)(stop + 4 - c->buffer);
      if (!head_of(c, stop) || body > c->body_left) return lost(c);
      c->body_left -= body;
    } else {
      c->body_left -= (size_t)n;
    }
    if (c->body_left == 0) return done(c);
  }
}

static void event_of(struct conn *c, uint32_t events) {
  if (c->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return broken++, open_conn(c);
    watch(c, EPOLLIN);
    return ready(c);
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    if (c->state == READING || c->state == WRITING) return pull(c);
    if (c->state == WAITING) {
      // An idle connection that was closed: it comes back when its time is over.
      close(c->fd);
      c->fd = -1;
      return;
    }
    if (c->state == FREE) {
      for (int i = 0; i < free_count; i++)
        if (stack[i] == (int)(c - conns)) stack[i] = stack[--free_count];
    }
    return open_conn(c);
  }
  if (events & EPOLLOUT && c->state == WRITING) push(c);
}

static void read_bodies(const char *path, const char *file, const char *host, const char *port) {
  FILE *in = fopen(file, "r");
  if (!in) fail(file);
  char *line = NULL;
  const char *token = getenv("LOAD_TOKEN");
  size_t room = 0, kept = 0;
  for (ssize_t n; (n = getline(&line, &room, in)) > 0;) {
    if (line[n - 1] == '\n') line[--n] = 0;
    if (request_count == kept) requests = realloc(requests, (kept = kept ? kept * 2 : 1024) * sizeof *requests);
    char *text;
    int size = asprintf(&text,
                        "POST %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zd\r\n\r\n%s",
                        path, host, port, token ? token : "", n, line);
    requests[request_count++] = (struct request){text, (size_t)size};
  }
  fclose(in);
  if (!request_count) fail("no bodies");
}

static int all_answered(void) {
  return sent_max && sent_n >= sent_max && latency[OK].n + latency[REFUSED].n + latency[OTHER].n + broken >= sent_n;
}

static void dues(uint64_t now) {
  while (due_next <= now) {
    if (now - due_next > patience) unsent++;
    else if (free_count) start(&conns[stack[--free_count]], due_next);
    else return;
    due_next = begin + ++due_number * interval_x1000 / 1000;
  }
}

static void show(const char *name, const struct hist *h, double seconds) {
  printf("\"%s\":{\"n\":%lu,\"rate\":%.1f,\"mean\":%.1f,\"p50\":%lu,\"p99\":%lu,\"p999\":%lu,\"max\":%lu},", name, h->n,
         (double)h->n / seconds, h->n ? (double)h->sum / (double)h->n : 0, percentile(h, 50), percentile(h, 99),
         percentile(h, 99.9), h->max);
}

static void tell(double seconds) {
  printf("{\"seconds\":%.3f,\"sent\":%lu,\"unsent\":%lu,\"broken\":%lu,\"bare_refusals\":%lu,\"body_bytes\":%lu,", seconds,
         sent_n, unsent, broken, bare_refusals, body_bytes);
  show("ok", &latency[OK], seconds);
  show("refused", &latency[REFUSED], seconds);
  show("other", &latency[OTHER], seconds);
  printf("\"statuses\":{");
  const char *comma = "";
  for (int i = 0; i < 600; i++)
    if (statuses[i]) printf("%s\"%d\":%lu", comma, i, statuses[i]), comma = ",";
  printf("},\"series\":[");
  for (size_t i = 0; i < (size_t)(seconds * 10) && i < SERIES_MAX; i++) printf("%s%u", i ? "," : "", series[i]);
  printf("]}\n");
}

int main(int argc, char **argv) {
  if (argc != 9) return fprintf(stderr, "usage: load HOST PORT PATH BODIES CONNECTIONS SECONDS RATE COUNT\n"), 2;
  read_bodies(argv[3], argv[4], argv[1], argv[2]);
  peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
  if (!inet_aton(argv[1], &peer.sin_addr)) fail("address");
  count = atoi(argv[5]);
  double seconds = strtod(argv[6], NULL), rate = strtod(argv[7], NULL);
  sent_max = strtoul(argv[8], NULL, 10);
  const char *waits = getenv("LOAD_PATIENCE_MS");
  patience = strtoul(waits ? waits : "1000", NULL, 10) * 1000000u;
  interval_x1000 = rate > 0 ? (uint64_t)(1e12 / rate) : 0;
  conns = calloc((size_t)count, sizeof *conns);
  stack = calloc((size_t)count, sizeof *stack);
  poller = epoll_create1(EPOLL_CLOEXEC);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (!conns || !stack || poller < 0 || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event)) fail("start");
  signal(SIGTERM, stop);
  begin = due_next = now_ns();
  end = begin + (uint64_t)(seconds * 1e9);
  for (int i = 0; i < count; i++) conns[i].fd = -1, open_conn(&conns[i]);
  struct epoll_event events[512];
  uint64_t woken = 0;
  for (uint64_t now = begin; now < end && !stopped && !all_answered(); now = now_ns()) {
    if (interval_x1000) {
      dues(now);
      uint64_t at = due_next <= now || !free_count ? now + 1000000u : due_next;
      struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u)}};
      timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
    } else if (now - woken > 5000000u) {
      woken = now;
      for (int i = 0; i < count; i++)
        if (conns[i].state == WAITING && conns[i].wake <= now) conns[i].fd < 0 ? open_conn(&conns[i]) : ready(&conns[i]);
    }
    int n = epoll_wait(poller, events, 512, 5);
    for (int i = 0; i < n; i++) {
      uint64_t spent;
      if (events[i].data.ptr) event_of(events[i].data.ptr, events[i].events);
      else if (read(timer, &spent, sizeof spent) < 0) continue;
    }
  }
  // What no connection was free for in time was asked for all the same.
  if (stopped) end = now_ns();
  if (interval_x1000 && !sent_max) while (due_next < end) unsent++, due_next = begin + ++due_number * interval_x1000 / 1000;
  tell((double)(now_ns() - begin) / 1e9);
  return 0;
}
