/* What benchmarks work on: potentials, and structures whose atoms move before each evaluation. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "schnell.h"

enum { MOVING_FRAMES_MOST = 64 };

/** A structure, and a stock of random displacements about it. */
struct moving {
    char *name; /**< "benzene" */
    sch_system *system;
    double *home;   /**< [n][3], Å */
    size_t frames;  /**< displacements in stock; fewer for large structures */
    double *shifts; /**< [frames][n][3], Å, of some 0.02 Å */
    size_t next;    /**< steps done; no place comes twice in 1000 laps over the stock */
    double *forces; /**< [n][3], room for what is evaluated */
};

/** The structure of a file that ships with Schnell, such as "benzene", at rest. Gives PROGRAM_DONE,
 *  or complains and gives the exit status. */
int moving_open(struct moving *moving, const char *name);

/** A cell repeated along its vectors, each molecule slightly displaced: "benzene_crystal" 2 2 2. */
int moving_crystal(struct moving *moving, const char *name, const int repeats[3]);

/** Take over a system: it is freed with the workload. */
int moving_take(struct moving *moving, const char *name, sch_system *system);

/** Put all atoms to their next displaced places. */
void moving_step(struct moving *moving);

void moving_free(struct moving *moving);

#endif
