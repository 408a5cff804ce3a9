/*
 * The protocol: the server sends a header of 12 characters, some with data after it; integers are
 * int32, reals are double, in the machine's own order and in atomic units.
 *
 *   STATUS    answered by NEEDINIT, READY or HAVEDATA
 *   INIT      the number of a replica, the length of a text, the text. With "batch_size:B" in it
 *             the server asks for B structures at a time from then on
 *   POSDATA   cell [3][3], inverse cell [3][3], n, positions [n][3]; or, when it asks for several,
 *             n, the two cells of each, the positions of each. Lattice vectors are columns
 *   GETFORCE  answered by FORCEREADY, energies [B], n, forces [B][n][3], virials [B][3][3], and for
 *             each the length of a text and the text, which is empty here
 *   EXIT      the end
 */
#include "ipi.h"

#include "connection.h"
#include "coverage_warning.h"
#include "number.h"
#include "outputs.h"
#include "program.h"
#include "progress.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 12, TEXT_MAX = 65536, BATCH_MAX = 4096, COVERAGE_EVERY = 10 };

static const double FORCE_UNIT = SCH_HARTREE / SCH_BOHR; // eV/Å

struct session {
    const struct ipi_job *job;
    struct connection server;
    size_t n;     /* atoms of a structure */
    size_t batch; /* structures at a time */
    bool several; /* does the server use the form for several? */
    bool initialised, has_data;
    sch_system **systems;       /* [batch]; the first is the job's */
    sch_properties *properties; /* [batch] */
    double *cells;              /* [batch][2][3][3] as they came */
    double *vectors;            /* [batch][n][3]: positions as they came, then forces */
    char *reply;
    struct coverage_warning coverage;
    long evaluations;
};

/* ---------------------------------------------------------------- room */

static void free_batch(struct session *session) {
    for (size_t k = 1; session->systems && k < session->batch; k++)
        sch_system_free(session->systems[k]);
    free(session->systems);
    free(session->properties);
    free(session->cells);
    free(session->vectors);
    free(session->reply);
    session->systems = NULL;
    session->properties = NULL;
    session->cells = session->vectors = NULL;
    session->reply = NULL;
}

static size_t reply_bytes(const struct session *session) {
    size_t each = (1 + 3 * session->n + 9) * sizeof(double) + sizeof(int32_t);
    return HEADER + sizeof(int32_t) + session->batch * each;
}

/* Room for so many structures at a time, at most BATCH_MAX. */
static int make_batch(struct session *session, size_t batch) {
    free_batch(session);
    session->batch = batch;
    session->systems = calloc(batch, sizeof *session->systems);
    session->properties = calloc(batch, sizeof *session->properties);
    session->cells = calloc(batch, 18 * sizeof *session->cells);
    session->vectors = calloc(batch * session->n, 3 * sizeof *session->vectors);
    session->reply = malloc(reply_bytes(session));
    if (!session->systems || !session->properties || !session->cells || !session->vectors ||
        !session->reply)
        return out_of_memory();
    session->systems[0] = session->job->system;
    for (size_t k = 1; k < batch; k++)
        if (sch_system_copy(&session->systems[k], session->job->system) != SCH_OK) {
            complain("%s", sch_last_error());
            return PROGRAM_FAILED;
        }
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- what comes in */

/* Of the words of a server's parameters this one alone is for us. */
static int take_parameters(struct session *session, const char *text) {
    static const char name[] = "batch_size:";
    const char *found = strstr(text, name);
    long batch = 1;
    char number[NUMBER_SIZE];
    if (found) {
        snprintf(number, sizeof number, "%.*s", (int)strcspn(found + sizeof name - 1, ", "),
                 found + sizeof name - 1);
        if (!number_whole(number, 1, BATCH_MAX, &batch)) {
            complain("%s: batch_size: expected a whole number from 1 to %d, found \"%s\"",
                     session->server.address, BATCH_MAX, number);
            return PROGRAM_FAILED;
        }
    }
    session->several = batch > 1;
    session->initialised = true;
    session->has_data = false;
    return (size_t)batch == session->batch ? PROGRAM_DONE : make_batch(session, (size_t)batch);
}

static int take_init(struct session *session) {
    int32_t replica, length;
    char text[TEXT_MAX + 1] = "";
    int result = connection_read(&session->server, &replica, sizeof replica);
    if (result == PROGRAM_DONE)
        result = connection_read(&session->server, &length, sizeof length);
    if (result == PROGRAM_DONE && (length < 0 || length > TEXT_MAX)) {
        complain("%s: INIT: expected a text of 0 to %d bytes, found %d", session->server.address,
                 TEXT_MAX, length);
        return PROGRAM_FAILED;
    }
    if (result == PROGRAM_DONE)
        result = connection_read(&session->server, text, (size_t)length);
    return result == PROGRAM_DONE ? take_parameters(session, text) : result;
}

static int read_count(struct session *session) {
    int32_t n;
    int result = connection_read(&session->server, &n, sizeof n);
    if (result == PROGRAM_DONE && (n < 0 || (size_t)n != session->n)) {
        complain("%s: expected the %zu atoms of %s, found %d", session->server.address, session->n,
                 session->job->structure, n);
        return PROGRAM_FAILED;
    }
    return result;
}

static int read_structures(struct session *session) {
    const size_t batch = session->batch;
    int result = session->several ? read_count(session) : PROGRAM_DONE;
    if (result == PROGRAM_DONE)
        result =
            connection_read(&session->server, session->cells, batch * 18 * sizeof *session->cells);
    if (result == PROGRAM_DONE && !session->several)
        result = read_count(session);
    if (result == PROGRAM_DONE)
        result = connection_read(&session->server, session->vectors,
                                 batch * session->n * 3 * sizeof *session->vectors);
    return result;
}

/* Cell and positions of one structure. A server has a cell also for a molecule, which has none. */
static sch_status place(struct session *session, size_t k) {
    const double *sent = session->cells + 18 * k;
    const double *at = session->vectors + 3 * session->n * k;
    double *positions = sch_system_positions(session->systems[k]);
    for (size_t i = 0; i < 3 * session->n; i++)
        positions[i] = at[i] * SCH_BOHR;
    if (!sch_system_cell(session->systems[k]))
        return SCH_OK;
    double cell[9]; // one lattice vector a row
    for (int row = 0; row < 3; row++)
        for (int x = 0; x < 3; x++)
            cell[3 * row + x] = sent[3 * x + row] * SCH_BOHR;
    return sch_system_set_cell(session->systems[k], cell);
}

static sch_status evaluate(struct session *session) {
    for (size_t k = 0; k < session->batch; k++) {
        session->properties[k].forces = session->vectors + 3 * session->n * k;
        sch_status status = place(session, k);
        if (status != SCH_OK)
            return status;
    }
    return sch_evaluate_batch(session->job->potential, session->batch, session->systems,
                              session->properties);
}

static int take_positions(struct session *session) {
    int result = read_structures(session);
    if (result != PROGRAM_DONE)
        return result;
    if (evaluate(session) != SCH_OK) {
        complain("%s: evaluation %ld: %s", session->server.address, session->evaluations + 1,
                 sch_last_error());
        return PROGRAM_FAILED;
    }
    struct progress none = {0};
    if (session->evaluations % COVERAGE_EVERY == 0)
        coverage_warn(&session->coverage, session->job->model, session->systems[0],
                      session->job->structure, "evaluation", session->evaluations + 1, &none);
    session->evaluations += (long)session->batch;
    session->has_data = true;
    return PROGRAM_DONE;
}

/* ---------------------------------------------------------------- what goes out */

static char *put(char *out, const void *data, size_t bytes) {
    memcpy(out, data, bytes);
    return out + bytes;
}

static char *put_real(char *out, double value) {
    return put(out, &value, sizeof value);
}

static int give_forces(struct session *session) {
    const int32_t n = (int32_t)session->n, no_text = 0;
    const size_t numbers = 3 * session->n * session->batch;
    if (!session->has_data) {
        complain("%s: expected POSDATA before GETFORCE, found none", session->server.address);
        return PROGRAM_FAILED;
    }
    char *out = put(session->reply, "FORCEREADY  ", HEADER);
    for (size_t k = 0; k < session->batch; k++)
        out = put_real(out, session->properties[k].energy / SCH_HARTREE);
    out = put(out, &n, sizeof n);
    for (size_t i = 0; i < numbers; i++)
        out = put_real(out, session->vectors[i] / FORCE_UNIT);
    for (size_t k = 0; k < session->batch; k++)
        for (int i = 0; i < 9; i++)
            out = put_real(out, session->properties[k].virial[i] / SCH_HARTREE);
    for (size_t k = 0; k < session->batch; k++)
        out = put(out, &no_text, sizeof no_text);
    session->has_data = false;
    return connection_write(&session->server, session->reply, (size_t)(out - session->reply));
}

static int give_status(struct session *session) {
    return connection_write(&session->server,
                            session->has_data      ? "HAVEDATA    "
                            : session->initialised ? "READY       "
                                                   : "NEEDINIT    ",
                            HEADER);
}

/* ---------------------------------------------------------------- the session */

static const struct {
    const char *header; /* filled up with blanks */
    int (*answer)(struct session *);
} MESSAGES[] = {{"STATUS      ", give_status},
                {"INIT        ", take_init},
                {"POSDATA     ", take_positions},
                {"GETFORCE    ", give_forces}};

static int answer(struct session *session, char header[HEADER + 1]) {
    for (size_t k = 0; k < sizeof MESSAGES / sizeof *MESSAGES; k++)
        if (memcmp(header, MESSAGES[k].header, HEADER) == 0)
            return MESSAGES[k].answer(session);
    for (int i = 0; i < HEADER; i++) // it may be anything, in no encoding
        if (!isascii(header[i]) || !isprint(header[i]))
            header[i] = '?';
    complain("%s: expected STATUS, INIT, POSDATA, GETFORCE or EXIT, found \"%s\"",
             session->server.address, header);
    return PROGRAM_FAILED;
}

/* Answer messages until one says that this is all, which gives PROGRAM_DONE, or until it fails. */
static int converse(struct session *session) {
    int result = PROGRAM_DONE;
    while (result == PROGRAM_DONE) {
        char header[HEADER + 1] = "";
        result = connection_read(&session->server, header, HEADER);
        if (result == PROGRAM_DONE && memcmp(header, "EXIT        ", HEADER) == 0)
            break;
        if (result == PROGRAM_DONE)
            result = answer(session, header);
    }
    return result;
}

static void print_summary(const struct session *session, double wall_s) {
    const struct ipi_job *job = session->job;
    char count[NUMBER_SIZE], parameters[NUMBER_SIZE], speed[NUMBER_SIZE];
    sch_model_info model;
    sch_model_describe(job->model, &model);
    printf("structure    %s, %zu atoms\n", printable(job->structure).text, session->n);
    printf("model        %s, %s parameters\n", model.name,
           number_grouped(parameters, (long)model.parameters));
    printf("device       %s\n", sch_potential_device(job->potential));
    printf("evaluations  %s in %.3f s for %s\n", number_grouped(count, session->evaluations),
           wall_s, printable(job->address).text);
    if (session->evaluations > 0)
        printf("speed        %s evaluations/s; %.3f s (%.0f %%) spent waiting for the server\n",
               number_short(speed, (double)session->evaluations / wall_s), session->server.waited_s,
               100 * session->server.waited_s / wall_s);
}

/* Talk to a server that is connected, and tell of it. */
static int hold_session(struct session *session) {
    const double start = progress_clock();
    int result = make_batch(session, 1);
    if (result == PROGRAM_DONE)
        result = converse(session);
    free_batch(session);
    if (!session->job->quiet)
        print_summary(session, progress_clock() - start);
    int printed = outputs_flush();
    return result == PROGRAM_DONE ? printed : result;
}

int ipi_serve(const struct ipi_job *job) {
    struct session session = {.job = job, .n = sch_system_n_atoms(job->system)};
    sch_properties start = {0};
    sch_status status = sch_evaluate(job->potential, job->system, &start);
    if (status != SCH_OK) {
        complain("%s: %s", job->structure, sch_last_error());
        return exit_for_input(status);
    }
    int result = connection_open(&session.server, job->address, job->quiet);
    if (result != PROGRAM_DONE)
        return result;
    result = hold_session(&session);
    connection_close(&session.server);
    return result;
}
