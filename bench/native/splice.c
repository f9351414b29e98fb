/*
 * The least that a tunnel of two processes can cost: visitors' connections spliced to the upstream over one connection
 * between two programs, frames of many visitors in one system call. Nothing is encrypted, no HTTP is read, nothing is
 * bounded. For measuring only; Linux.
 *
 *   splice broker                  prints "VISITORS TUNNEL", two ports of 127.0.0.1
 *   splice agent TUNNEL UPSTREAM   the same for ports of 127.0.0.1
 *
 * Ends with its input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, READ_BYTES = 65536, HEADER_BYTES = 8, CONNECTIONS = 65536, IN_BYTES = 1 << 22 };

/* Before the bytes of a connection in the tunnel; no bytes: it has ended. */
struct header { uint32_t connection, length; };

static int epoll_fd, tunnel = -1, is_agent, upstream_port;
static uint8_t *out, *in;
static size_t out_bytes, out_room, in_bytes;
/* In the agent: connection of the tunnel -> its socket; and the way back. In the broker both are the socket. */
static int socket_of[CONNECTIONS], connection_of[CONNECTIONS];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static void prepare(int fd) {
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  watch(fd);
}

static void send_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      struct pollfd room = {.fd = fd, .events = POLLOUT};
      poll(&room, 1, -1);
    } else if (sent < 0) return;
    else bytes += sent, length -= (size_t)sent;
  }
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int dial(int port) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  prepare(fd);
  return fd;
}

static int listen_on_any(int *port) {
  struct sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 511) != 0) fail("listen");
  getsockname(fd, (struct sockaddr *)&address, &size);
  *port = ntohs(address.sin_port);
  watch(fd);
  return fd;
}

/* Reads a connection into a frame of the next write to the tunnel. */
static void take(int fd) {
  if (out_room - out_bytes < HEADER_BYTES + READ_BYTES && (out = realloc(out, out_room = out_room * 2 + READ_BYTES * 2)) == NULL) fail("realloc");
  uint8_t *frame = out + out_bytes;
  ssize_t length = recv(fd, frame + HEADER_BYTES, READ_BYTES, MSG_DONTWAIT);
  if (length < 0 && errno == EAGAIN) return;
  if (length < 0) length = 0;
  *(struct header *)frame = (struct header){(uint32_t)connection_of[fd], (uint32_t)length};
  out_bytes += HEADER_BYTES + (size_t)length;
  if (length > 0) return;
  if (is_agent) socket_of[connection_of[fd]] = 0;
  close(fd);
}

static void give(uint32_t connection, const uint8_t *bytes, size_t length) {
  int *fd = &socket_of[connection];
  if (length == 0) {
    if (*fd > 0) shutdown(*fd, SHUT_RDWR);
    return;
  }
  if (*fd == 0 && is_agent) {
    *fd = dial(upstream_port);
    connection_of[*fd] = (int)connection;
  }
  send_all(*fd, bytes, length);
}

static void take_tunnel(void) {
  ssize_t length = recv(tunnel, in + in_bytes, IN_BYTES - in_bytes, MSG_DONTWAIT);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) exit(0);
  in_bytes += (size_t)length;
  size_t at = 0;
  while (in_bytes - at >= HEADER_BYTES) {
    struct header header = *(struct header *)(in + at);
    if (in_bytes - at - HEADER_BYTES < header.length) break;
    give(header.connection, in + at + HEADER_BYTES, header.length);
    at += HEADER_BYTES + header.length;
  }
  memmove(in, in + at, in_bytes -= at);
}

int main(int count, char **arguments) {
  int visitors = -1, agents = -1, ports[2] = {0, 0};
  is_agent = count > 1 && strcmp(arguments[1], "agent") == 0;
  if (is_agent ? count != 4 : count != 2) return fprintf(stderr, "usage: splice broker | splice agent TUNNEL UPSTREAM\n"), 2;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  in = malloc(IN_BYTES);
  watch(STDIN_FILENO);
  if (is_agent) {
    upstream_port = atoi(arguments[3]);
    tunnel = dial(atoi(arguments[2]));
    puts("ready");
  } else {
    visitors = listen_on_any(&ports[0]);
    agents = listen_on_any(&ports[1]);
    printf("%d %d\n", ports[0], ports[1]);
  }
  fflush(stdout);
  for (;;) {
    struct epoll_event ready[EVENTS];
    int found = epoll_wait(epoll_fd, ready, EVENTS, -1);
    for (int i = 0; i < found; i += 1) {
      int fd = ready[i].data.fd;
      if (fd == STDIN_FILENO) exit(0);
      if (fd == tunnel) take_tunnel();
      else if (fd == visitors) {
        int accepted = accept4(visitors, NULL, NULL, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        prepare(accepted);
        connection_of[accepted] = socket_of[accepted] = accepted;
      } else if (fd == agents) prepare(tunnel = accept4(agents, NULL, NULL, SOCK_CLOEXEC));
      else take(fd);
    }
    if (out_bytes > 0 && tunnel >= 0) {
      send_all(tunnel, out, out_bytes);
      out_bytes = 0;
    }
  }
}
