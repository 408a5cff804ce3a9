/*
 * Files that are open for writing are locked, so that two runs cannot write into one file.
 *
 * The locks are Linux's open-file-description locks (fcntl, F_OFD_SETLK). Unlike POSIX locks they
 * stay when another descriptor of the file is closed, which H5MD needs: HDF5's library opens the
 * file once more. Unlike flock they do not stand in the way of programs that read the growing file
 * with HDF5's library, which takes a lock of that kind itself. A file system without locks is no
 * error: there files are not protected.
 */
#ifndef SCH_BASE_FILE_LOCK_H
#define SCH_BASE_FILE_LOCK_H

#include "base/status.h"

/**
 * Open a file for writing and lock it; what is no regular file is only opened. The content stays:
 * it may be cut only now.
 * @param flags  for open()
 * @param what   "create" or "open", for messages
 * @return SCH_ERROR_IO if it cannot be opened, or if another run is writing it
 */
sch_status file_lock_open(int *descriptor, const char *path, int flags, const char *what)
    __attribute__((warn_unused_result));

/** Unlock a file and close it. A child of this process that has the descriptor, too, keeps no lock.
 * 0, or -1 and errno. */
int file_lock_close(int descriptor);

/** Does the name still lead to the open file? The message says what became of it if it does not. */
sch_status file_lock_check_name(int descriptor, const char *path)
    __attribute__((warn_unused_result));

/** Remove an open file, if the name still leads to it. A symbolic link stays. 0, or an errno. */
int file_lock_remove(int descriptor, const char *path);

#endif
