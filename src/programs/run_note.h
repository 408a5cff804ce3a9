/* What a checkpoint holds for mdrun itself: its command line, its samples, its time. */
#ifndef RUN_NOTE_H
#define RUN_NOTE_H

#include "report.h"

struct run_note {
    size_t replicas;
    struct samples *samples;       /**< [replicas] */
    sch_minimization minimization; /**< before the run; all zero: there was none */
    void *guards;                  /**< [guards_bytes] as mdrun_guard packs them */
    size_t guards_bytes;
    double wall_s; /**< of all parts of the run so far */
    int n_words;   /**< of the command line, without the program's name */
    char **words;  /**< [n_words] */
};

/** The note as bytes, to be freed; NULL when out of memory. */
void *run_note_pack(const struct run_note *note, size_t *bytes);

/** Read one: SCH_OK, SCH_ERROR_FORMAT if these bytes are none, SCH_ERROR_MEMORY. To be freed by
 *  run_note_clear. */
sch_status run_note_unpack(struct run_note *note, const void *bytes, size_t count);
void run_note_clear(struct run_note *note);

#endif
