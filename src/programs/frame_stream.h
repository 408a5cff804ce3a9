/* Frames of several structure files, read by a thread while the caller computes. */
#ifndef FRAME_STREAM_H
#define FRAME_STREAM_H

#include "schnell.h"

struct frame_stream;

enum stream_event {
    STREAM_NOTICE,      /**< what the reader noticed in a frame that comes later */
    STREAM_FRAME,       /**< a frame */
    STREAM_FILE_ENDS,   /**< no more frames in this file; the next is of the next file */
    STREAM_CANNOT_OPEN, /**< the file; the stream ends with this */
    STREAM_CANNOT_READ  /**< the next frame; the stream ends with this */
};

struct stream_item {
    enum stream_event event;
    sch_system *system;  /**< of a frame: the caller's from now on; else NULL */
    sch_status status;   /**< of a failure */
    const char *message; /**< of a failure; borrowed from the stream */
    char *notice;        /**< of STREAM_NOTICE: to be freed; else NULL */
};

/** Begin to read the files, one after the other. The list is borrowed to frame_stream_close, its
 *  names and the options' to the end of the program. NULL, after a complaint, when there is no
 * thread to be had. */
struct frame_stream *frame_stream_open(const char *const *paths, size_t n,
                                       const sch_reader_options *options);

/** What comes next; waits for it. Not to be called after a failure or the end of the last file. */
struct stream_item frame_stream_next(struct frame_stream *stream);

/** End the thread, which may be amid a file. NULL is accepted. */
void frame_stream_close(struct frame_stream *stream);

#endif
