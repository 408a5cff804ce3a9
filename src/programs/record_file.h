/* Output files that hold whole records, or do not exist. */
#ifndef RECORD_FILE_H
#define RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>

/** A file that grows by whole records, such as lines. Errors give false, and errno the reason. */
struct record_file {
    int descriptor;
    bool regular;   /**< an ordinary file, that can be cut back and removed */
    long long size; /**< bytes in whole records */
};

/** Create the file, or empty an older one. */
bool record_file_open(struct record_file *file, const char *path);

/** Append a record; when the disk refuses, the file is cut back to its last whole record. */
bool record_file_append(struct record_file *file, const char *record, size_t bytes);

/** Flush to the disk and close; closed after an error too. */
bool record_file_close(struct record_file *file);

/** Write a file at once, whole or not at all: to a temporary file beside it, which is then given
 *  the name. What is no ordinary file (a pipe, a terminal) is written to directly. */
bool record_file_write(const char *path, const char *content, size_t bytes);

/** Remove an ordinary file; leave a device or pipe of that name. */
void record_file_remove(const char *path);

#endif
