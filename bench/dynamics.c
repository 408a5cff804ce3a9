#include "dynamics.h"

#include "interrupt.h"
#include "program.h"
#include "random.h"
#include "status_line.h"

#include <string.h>

int dynamics_open(struct dynamics *dynamics, const char *model, sch_potential *potential,
                  const char *structure, long steps) {
    *dynamics =
        (struct dynamics){.model = model, .potential = potential, .steps = steps, .seed = 1};
    return moving_open(&dynamics->moving, structure);
}

int dynamics_start(struct dynamics *dynamics) {
    sch_system *system = dynamics->moving.system;
    size_t bytes = sch_system_n_atoms(system) * 3 * sizeof(double);
    sch_simulation_free(dynamics->simulation);
    dynamics->simulation = NULL;
    memcpy(sch_system_positions(system), dynamics->moving.home, bytes);
    sch_status status = random_velocities(system, DYNAMICS_TEMPERATURE, dynamics->seed);
    if (status == SCH_OK)
        status = sch_simulation_create(&dynamics->simulation, system, dynamics->potential,
                                       DYNAMICS_TIME_STEP);
    return status == SCH_OK ? PROGRAM_DONE : library_failed(status);
}

static int run(struct dynamics *dynamics, long steps) {
    const volatile int *stop = interrupt_signal();
    sch_status status = sch_simulation_run(dynamics->simulation, steps, stop);
    if (status != SCH_OK) {
        status_line_clear();
        complain("%s, %s: %s", dynamics->model, dynamics->moving.name, sch_last_error());
        return PROGRAM_FAILED;
    }
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

static void take_sample(const struct dynamics *dynamics, struct samples *samples) {
    sch_state state;
    sch_simulation_state(dynamics->simulation, &state);
    samples_add(samples, &state);
}

int dynamics_sample(struct dynamics *dynamics, long steps, long every, struct samples *samples) {
    int result = PROGRAM_DONE;
    samples_start(samples);
    take_sample(dynamics, samples);
    for (long done = 0; done < steps && result == PROGRAM_DONE; done += every) {
        long left = steps - done;
        result = run(dynamics, left < every ? left : every);
        take_sample(dynamics, samples);
    }
    return result;
}

static int start_state(void *state) {
    return dynamics_start(state);
}

static int run_state(void *state) {
    struct dynamics *dynamics = state;
    return run(dynamics, dynamics->steps);
}

struct subject dynamics_subject(struct dynamics *dynamics, const char *name) {
    return (struct subject){
        .name = name, .prepare = start_state, .run = run_state, .state = dynamics};
}

void dynamics_free(struct dynamics *dynamics) {
    sch_simulation_free(dynamics->simulation);
    moving_free(&dynamics->moving);
    *dynamics = (struct dynamics){0};
}
