/*
 * What a byte path in native code would cost: an addon that accepts connections, reads all that are ready into one
 * buffer, calls JavaScript once for all of them, and sends all answers in one call. Linux. For measuring only: it has
 * no limits, and drops what a socket does not take at once.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <node_api.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of libuv, whose header does not come with Node's package: the size of a handle is more than it needs. */
typedef struct uv_poll { _Alignas(16) char opaque[512]; } uv_poll_t;
int uv_poll_init(struct uv_loop_s *loop, uv_poll_t *handle, int fd);
int uv_poll_start(uv_poll_t *handle, int events, void (*callback)(uv_poll_t *, int, int));
enum { UV_READABLE = 1 };

enum { BATCH = 64, READ_BYTES = 16384 };

static struct {
  napi_env env;
  napi_ref on_batch;
  uint8_t *input;
  int32_t *reads; /* file descriptor, offset, length of each read */
  int epoll;
  int listener;
  uv_poll_t poll;
} server;

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(void) {
  int fd, yes = 1;
  while ((fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(fd);
  }
}

static void call(int count) {
  napi_handle_scope scope;
  napi_value on_batch, global, argument;
  napi_open_handle_scope(server.env, &scope);
  napi_get_reference_value(server.env, server.on_batch, &on_batch);
  napi_get_global(server.env, &global);
  napi_create_int32(server.env, count, &argument);
  napi_make_callback(server.env, NULL, global, on_batch, 1, &argument, NULL);
  napi_close_handle_scope(server.env, scope);
}

static void on_ready(uv_poll_t *handle, int status, int events) {
  (void)handle, (void)status, (void)events;
  struct epoll_event ready[BATCH];
  int found = epoll_wait(server.epoll, ready, BATCH, 0), count = 0;
  size_t at = 0;
  for (int i = 0; i < found; i += 1) {
    int fd = ready[i].data.fd;
    if (fd == server.listener) {
      accept_all();
      continue;
    }
    ssize_t length = recv(fd, server.input + at, READ_BYTES, 0);
    if (length <= 0) {
      close(fd);
      continue;
    }
    int32_t *read = server.reads + 3 * count;
    read[0] = fd, read[1] = (int32_t)at, read[2] = (int32_t)length;
    at += (size_t)length;
    count += 1;
  }
  if (count > 0) call(count);
}

/* serve(input: Buffer of BATCH * READ_BYTES, reads: Int32Array of 3 * BATCH, onBatch(count)): port on 127.0.0.1 */
static napi_value serve(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], port;
  napi_ref memory;
  struct uv_loop_s *loop;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  server.env = env;
  napi_get_buffer_info(env, arguments[0], (void **)&server.input, NULL);
  napi_get_typedarray_info(env, arguments[1], NULL, NULL, (void **)&server.reads, NULL, NULL);
  /* Held as long as the process lives. */
  napi_create_reference(env, arguments[0], 1, &memory);
  napi_create_reference(env, arguments[1], 1, &memory);
  napi_create_reference(env, arguments[2], 1, &server.on_batch);
  server.epoll = epoll_create1(EPOLL_CLOEXEC);
  server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(server.listener, (struct sockaddr *)&address, size) != 0 || listen(server.listener, 511) != 0) {
    napi_throw_error(env, NULL, "cannot listen on 127.0.0.1");
    return NULL;
  }
  getsockname(server.listener, (struct sockaddr *)&address, &size);
  watch(server.listener);
  napi_get_uv_event_loop(env, &loop);
  uv_poll_init(loop, &server.poll, server.epoll);
  uv_poll_start(&server.poll, UV_READABLE, on_ready);
  napi_create_int32(env, ntohs(address.sin_port), &port);
  return port;
}

/* send(output: Buffer, writes: Int32Array of file descriptor, offset, length, count) */
static napi_value send_all(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  uint8_t *output;
  int32_t *writes, total;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_buffer_info(env, arguments[0], (void **)&output, NULL);
  napi_get_typedarray_info(env, arguments[1], NULL, NULL, (void **)&writes, NULL, NULL);
  napi_get_value_int32(env, arguments[2], &total);
  for (int i = 0; i < total; i += 1, writes += 3)
    if (send(writes[0], output + writes[1], (size_t)writes[2], MSG_NOSIGNAL) != writes[2]) shutdown(writes[0], SHUT_RDWR);
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "serve", NAPI_AUTO_LENGTH, serve, NULL, &function);
  napi_set_named_property(env, exports, "serve", function);
  napi_create_function(env, "send", NAPI_AUTO_LENGTH, send_all, NULL, &function);
  napi_set_named_property(env, exports, "send", function);
  return exports;
}
