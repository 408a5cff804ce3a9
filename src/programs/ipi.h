/* mdrun as a client of i-PI: energies, forces and virials for a server that moves the atoms. */
#ifndef IPI_H
#define IPI_H

#include "schnell.h"

#include <stdbool.h>

struct ipi_job {
    const char *address;   /**< of the server, as connection_address has it */
    const char *structure; /**< the file's name, for messages */
    const sch_model *model;
    sch_potential *potential;
    sch_system *system; /**< atoms in the server's order; cell and positions become the server's */
    bool quiet;
};

/**
 * Answer a server by i-PI's protocol (Ceriotti, More and Manolopoulos, Comput. Phys. Commun. 185,
 * 1019 (2014)), also for several structures at a time, until it sends EXIT or a signal comes; then
 * print a summary. Gives PROGRAM_DONE after EXIT, 128 + its number after a signal; else complains
 * and gives the status.
 */
int ipi_serve(const struct ipi_job *job);

#endif
