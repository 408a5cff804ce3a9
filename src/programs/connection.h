/* A stream to a server, over TCP or a Unix socket, that a signal ends. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

struct connection {
    const char *address; /**< as the user wrote it: messages name it */
    int socket;
    double waited_s; /**< for data, since the start */
};

/** Is this HOST:PORT, unix:NAME or unix:/PATH? */
bool connection_address(const char *text);

/** Connect, and try again for some seconds where nobody listens yet; a note says so unless it is to
 *  be quiet. unix:NAME is the socket /tmp/ipi_NAME. The address is borrowed. Gives PROGRAM_DONE, or
 *  complains and gives the status; 128 + its number after a signal (interrupt_catch), of which
 *  nobody complains. So do the next two. */
int connection_open(struct connection *connection, const char *address, bool quiet);

/** Read so many bytes. A server that closes the connection is an error. */
int connection_read(struct connection *connection, void *data, size_t bytes);

/** Write so many bytes. */
int connection_write(struct connection *connection, const void *data, size_t bytes);

void connection_close(struct connection *connection);

#endif
