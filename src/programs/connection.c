#include "connection.h"

#include "interrupt.h"
#include "number.h"
#include "program.h"
#include "progress.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const double PATIENCE = 10; // s until a server must be there

/* ms. A signal may come just before the wait for data, or to another thread: it is looked for anew
 * after so long. */
enum { TICK = 200, HOST_SIZE = 256 };

/* ---------------------------------------------------------------- addresses */

static const char *unix_name(const char *address) {
    return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

/* The parts of HOST:PORT; the host may stand in brackets, as [::1]:31415.
 * @param port  [out] in the address itself */
static bool split(const char *address, char host[HOST_SIZE], const char **port) {
    const char *colon = strrchr(address, ':');
    long number;
    if (!colon || colon == address || !number_whole(colon + 1, 1, 65535, &number))
        return false;
    size_t length = (size_t)(colon - address);
    if (address[0] == '[' && colon[-1] == ']') {
        address++;
        length -= 2;
    }
    if (length < 1 || length >= HOST_SIZE)
        return false;
    memcpy(host, address, length);
    host[length] = '\0';
    *port = colon + 1;
    return true;
}

/* @return false for a name that is empty or too long for a socket */
static bool unix_address(const char *name, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path, sizeof address->sun_path, "%s%s",
                          strchr(name, '/') ? "" : "/tmp/ipi_", name);
    return *name && length > 0 && (size_t)length < sizeof address->sun_path;
}

bool connection_address(const char *text) {
    char host[HOST_SIZE];
    const char *port, *name = unix_name(text);
    struct sockaddr_un address;
    return name ? unix_address(name, &address) : split(text, host, &port);
}

/* ---------------------------------------------------------------- opening */

/* A connected socket, or -1 and errno. */
static int connected(int family, const struct sockaddr *address, socklen_t size) {
    int one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, address, size) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    // Small messages to and fro: what is held back to be sent with more doubles the time of a step.
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int connect_unix(const char *name) {
    struct sockaddr_un address;
    if (!unix_address(name, &address)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return connected(AF_UNIX, (struct sockaddr *)&address, sizeof address);
}

/* The first of the host's addresses that answers; -1 and errno, which is 0 where there is no such
 * host. */
static int connect_host(const char *host, const char *port) {
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses;
    int fd = -1;
    errno = 0;
    if (getaddrinfo(host, port, &wanted, &addresses) != 0) {
        errno = 0;
        return -1;
    }
    for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next)
        fd = connected(a->ai_family, a->ai_addr, a->ai_addrlen);
    int error = errno;
    freeaddrinfo(addresses);
    errno = error;
    return fd;
}

static int connect_once(const char *address) {
    char host[HOST_SIZE];
    const char *port, *name = unix_name(address);
    if (name)
        return connect_unix(name);
    errno = 0;
    return split(address, host, &port) ? connect_host(host, port) : -1;
}

/* A server that is not there yet may still come. */
static bool may_come(int error) {
    return error == ECONNREFUSED || error == ENOENT || error == EINTR;
}

int connection_open(struct connection *connection, const char *address, bool quiet) {
    const volatile int *stop = interrupt_signal();
    const double start = progress_clock();
    bool told = quiet;
    *connection = (struct connection){.address = address, .socket = -1};
    while ((connection->socket = connect_once(address)) < 0) {
        int error = errno;
        if (*stop)
            return 128 + *stop;
        if (!may_come(error) || progress_clock() - start > PATIENCE) {
            complain("%s: expected a server, found none: %s", address,
                     error ? strerror(error) : "no such host");
            return PROGRAM_FAILED;
        }
        if (!told)
            complain("note: %s: nobody there yet, waiting %g s for a server", address, PATIENCE);
        told = true;
        poll(NULL, 0, TICK / 4);
    }
    return PROGRAM_DONE;
}

void connection_close(struct connection *connection) {
    if (connection->socket >= 0)
        close(connection->socket);
    connection->socket = -1;
}

/* ---------------------------------------------------------------- data */

static int lost(const struct connection *connection, const char *reason) {
    complain("%s: the connection to the server is lost: %s", connection->address, reason);
    return PROGRAM_FAILED;
}

/* Until there is something to read (POLLIN) or room to write (POLLOUT). */
static int wait_until(const struct connection *connection, short ready) {
    const volatile int *stop = interrupt_signal();
    struct pollfd poll_one = {.fd = connection->socket, .events = ready};
    int found = 0;
    while (found == 0 && !*stop) {
        found = poll(&poll_one, 1, TICK);
        if (found < 0 && errno == EINTR)
            found = 0;
    }
    if (*stop)
        return 128 + *stop;
    return found > 0 ? PROGRAM_DONE : lost(connection, strerror(errno));
}

int connection_read(struct connection *connection, void *data, size_t bytes) {
    char *at = data;
    const int stopped = *interrupt_signal(); // also where the server never lets us wait
    if (stopped)
        return 128 + stopped;
    while (bytes > 0) {
        ssize_t got = recv(connection->socket, at, bytes, MSG_DONTWAIT);
        if (got == 0)
            return lost(connection, "it closed it");
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return lost(connection, strerror(errno));
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
            continue;
        }
        double start = progress_clock();
        int result = wait_until(connection, POLLIN);
        connection->waited_s += progress_clock() - start;
        if (result != PROGRAM_DONE)
            return result;
    }
    return PROGRAM_DONE;
}

int connection_write(struct connection *connection, const void *data, size_t bytes) {
    const char *at = data;
    while (bytes > 0) {
        ssize_t sent = send(connection->socket, at, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return lost(connection, strerror(errno));
        if (sent > 0) {
            at += sent;
            bytes -= (size_t)sent;
            continue;
        }
        int result = wait_until(connection, POLLOUT);
        if (result != PROGRAM_DONE)
            return result;
    }
    return PROGRAM_DONE;
}
