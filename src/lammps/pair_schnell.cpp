#include "pair_schnell.h"

#include "lammps_version.h"
#include "lost_pairs.h"

#include "atom.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "update.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

PairSchnell::PairSchnell(LAMMPS *lmp) : Pair(lmp) {
    single_enable = 0;
    restartinfo = 0;
    one_coeff = 1;
    manybody_flag = 1;
    no_virial_fdotr_compute = 1;
    centroidstressflag = CENTROID_NOTAVAIL;
}

PairSchnell::~PairSchnell() {
    release();
    if (allocated) {
        memory->destroy(setflag);
        memory->destroy(cutsq);
    }
}

void PairSchnell::release() {
    sch_part_free(part);
    sch_potential_free(potential);
    sch_model_free(model);
    part = nullptr;
    potential = nullptr;
    model = nullptr;
}

/** An input that all processes see, and end at. */
void PairSchnell::refuse(const std::string &reason) {
    error->all(FLERR, reason);
}

/** A failure of the library ends the run of all processes: they would wait for this one. */
void PairSchnell::check(sch_status status, const std::string &place) {
    if (status != SCH_OK)
        error->one(FLERR, place + ": " + sch_last_error());
}

/* ---------------------------------------------------------------- the input script */

/** Is it one of two words? */
static bool one_of(const std::string &value, const char *first, const char *second,
                   bool *is_second) {
    *is_second = value == second;
    return *is_second || value == first;
}

/** Is it a whole number from 1 on? */
static bool whole(const std::string &value, double most, double *number) {
    char *end = nullptr;
    *number = strtod(value.c_str(), &end);
    return *end == '\0' && *number >= 1 && *number <= most && *number == std::floor(*number);
}

bool PairSchnell::set_option(const std::string &word, const std::string &value) {
    bool second = false;
    double number = 0;
    if (word == "precision" && one_of(value, "single", "double", &second))
        options.precision = second ? SCH_DOUBLE : SCH_SINGLE;
    else if (word == "filters" && one_of(value, "table", "exact", &second))
        options.filters = second ? SCH_FILTERS_EXACT : SCH_FILTERS_TABLE;
    else if (word == "device" && (value == "cpu" || value.compare(0, 4, "cpu:") == 0))
        options.device = (device = value).c_str();
    else if (word == "threads" && whole(value, 4096, &number))
        options.threads = (int)number;
    else if (word == "max-memory" && whole(value, 1e15, &number))
        options.max_memory = (size_t)number;
    else
        return false;
    return true;
}

void PairSchnell::settings(int narg, char **arg) {
    options = {};
    options.device = "cpu";
    options.threads = comm->nthreads;
    for (int k = 0; k < narg; k += 2)
        if (k + 1 == narg || !set_option(arg[k], arg[k + 1]))
            refuse(std::string("pair_style schnell: expected precision single|double, filters "
                               "table|exact, device cpu or cpu:SET, threads N or max-memory BYTES, "
                               "found ") +
                   arg[k] + " " + (k + 1 < narg ? arg[k + 1] : "alone"));
}

void PairSchnell::allocate() {
    const int n = atom->ntypes + 1;
    memory->create(setflag, n, n, "pair:setflag");
    memory->create(cutsq, n, n, "pair:cutsq");
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            setflag[i][j] = 0;
            cutsq[i][j] = 0.0;
        }
    allocated = 1;
}

/** The file of this name, as LAMMPS has names; else the model that ships with Schnell. */
static sch_status load(sch_model **model, const std::string &name) {
    const sch_status status = sch_model_load(model, name.c_str());
    if (status != SCH_ERROR_IO || name.find('/') != std::string::npos || name.size() <= 3 ||
        name.compare(name.size() - 3, 3, ".h5") != 0)
        return status;
    if (sch_model_load(model, name.substr(0, name.size() - 3).c_str()) == SCH_OK)
        return SCH_OK;
    return sch_model_load(model, name.c_str()); // for its message
}

void PairSchnell::coeff(int narg, char **arg) {
    if (!allocated)
        allocate();
    if (narg != 3 + atom->ntypes || strcmp(arg[0], "*") != 0 || strcmp(arg[1], "*") != 0)
        refuse("pair_coeff: expected * * MODEL and an element for each of " +
               std::to_string(atom->ntypes) +
               " atom types (NULL under pair_style hybrid: the type is left to other styles)");
    release();
    check(load(&model, arg[2]), "pair_coeff");
    take_elements(narg - 3, arg + 3);
    check(sch_potential_create(&potential, model, &options), "pair_style schnell");
    check(sch_part_create(&part, potential), "pair_style schnell");
    for (int i = 1; i <= atom->ntypes; i++)
        for (int j = 1; j <= atom->ntypes; j++)
            setflag[i][j] = !under_hybrid() || (element[i] && element[j]);
}

static int atomic_number(const char *symbol) {
    int z = 1;
    while (sch_element_symbol(z) && strcmp(sch_element_symbol(z), symbol) != 0)
        z++;
    return sch_element_symbol(z) ? z : 0;
}

void PairSchnell::take_elements(int narg, char **arg) {
    sch_model_info info;
    sch_model_describe(model, &info);
    cutoff = info.cutoff;
    std::string known;
    for (int k = 0; k < info.n_elements; k++)
        known += std::string(k ? " " : "") + sch_element_symbol(info.elements[k]);
    element.assign(narg + 1, 0);
    for (int type = 1; type <= narg; type++) {
        if (strcmp(arg[type - 1], "NULL") == 0)
            continue;
        const int z = atomic_number(arg[type - 1]);
        for (int k = 0; k < info.n_elements; k++)
            if (info.elements[k] == z)
                element[type] = z;
        if (!element[type])
            refuse("pair_coeff: atom type " + std::to_string(type) +
                   ": expected an element of model " + info.name + " (" + known + "), found " +
                   arg[type - 1]);
    }
}

/* ---------------------------------------------------------------- before a run */

/** Elements in another order than the types are an easy mistake, and the masses tell. Other
 *  isotopes, and hydrogen made heavier, are none. */
void PairSchnell::check_masses() {
    if (!atom->mass)
        return;
    for (int type = 1; type <= atom->ntypes; type++)
        for (int other : element) {
            const double mass = atom->mass[type], own = sch_element_mass(element[type]);
            if (other && element[type] && other != element[type] &&
                std::fabs(mass - sch_element_mass(other)) < 0.1 && std::fabs(mass - own) > 0.1 &&
                comm->me == 0)
                error->warning(FLERR, "pair_coeff: atom type " + std::to_string(type) +
                                          " is mapped to " + sch_element_symbol(element[type]) +
                                          " and has the mass of " + sch_element_symbol(other));
        }
}

bool PairSchnell::under_hybrid() const {
    return force->pair != this;
}

/** Where there is no other style, each atom needs an element. All processes ask together. */
void PairSchnell::check_types() {
    int here = 0, type = 0;
    for (int i = 0; i < atom->nlocal; i++)
        if (!element[atom->type[i]])
            here = atom->type[i];
    MPI_Allreduce(&here, &type, 1, MPI_INT, MPI_MAX, world);
    if (type)
        refuse("pair_style schnell: atom type " + std::to_string(type) +
               " is NULL in pair_coeff and has atoms: expected an element, or pair_style hybrid "
               "with another style for this type");
}

int PairSchnell::row_doubles() const {
    sch_model_info info;
    sch_model_describe(model, &info);
    const int channels =
        (info.hidden + SCH_CHANNELS_PADDED - 1) / SCH_CHANNELS_PADDED * SCH_CHANNELS_PADDED;
    return options.precision == SCH_DOUBLE ? 4 * channels : 2 * channels;
}

void PairSchnell::init_style() {
    if (strcmp(update->unit_style, "metal") != 0)
        refuse(std::string("pair_style schnell: expected units metal, found ") +
               update->unit_style);
    if (!force->newton_pair)
        refuse("pair_style schnell: expected newton on, found newton off");
    if (!request_full_list(neighbor, this, instance_me))
        refuse("pair_style schnell: this is not LAMMPS of " SCHNELL_LAMMPS_DATE
               ", for which it was built");
    check_masses();
    judged = false;
    comm_forward = comm_reverse = row_doubles();
    Pair *outer = force->pair; // a hybrid style asked before the model was known
    outer->comm_forward = std::max(outer->comm_forward, comm_forward);
    outer->comm_reverse = std::max(outer->comm_reverse, comm_reverse);
}

double PairSchnell::init_one(int, int) {
    return cutoff;
}

/* ---------------------------------------------------------------- a step */

/** The atoms of the potential: all that have an element. */
void PairSchnell::take_members() {
    const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
    members.clear();
    species.clear();
    row.assign(nall, -1);
    n_owned = 0;
    for (int i = 0; i < nall; i++) {
        const int z = element[atom->type[i]];
        if (!z)
            continue;
        row[i] = (int)members.size();
        members.push_back(i);
        species.push_back(z);
        n_owned += i < nlocal;
    }
}

/** Of a ghost and an owned atom, and of owned atoms once. */
void PairSchnell::take_pairs() {
    pairs.clear();
    for (int k = 0; k < list->inum; k++) {
        const int i = list->ilist[k];
        for (int m = 0; m < list->numneigh[i]; m++) {
            const int j = list->firstneigh[i][m] & NEIGHMASK;
            if (j > i && row[i] >= 0 && row[j] >= 0)
                pairs.push_back({row[i], row[j]});
        }
    }
}

/** After LAMMPS has built its lists. */
void PairSchnell::take_neighbours() {
    if (comm->get_comm_cutoff() < cutoff) // LAMMPS sees to it; else results would be wrong
        refuse("pair_style schnell: expected a ghost cutoff (comm_modify) of at least " +
               std::to_string(cutoff) + " A, found " + std::to_string(comm->get_comm_cutoff()));
    if (!under_hybrid())
        check_types();
    const std::string lost = lost_pairs(lmp, element);
    if (!lost.empty())
        refuse("pair_style schnell: " + lost);
    take_members();
    take_pairs();
    check(sch_part_set(part, n_owned, members.size(), species.data(), pairs.size(),
                       reinterpret_cast<const int(*)[2]>(pairs.data())),
          "pair_style schnell");
    positions.resize(3 * members.size());
    forces.resize(3 * members.size());
    energies.resize(n_owned);
    virials.resize(9 * members.size());
}

void PairSchnell::compute(int eflag, int vflag) {
    ev_init(eflag, vflag);
    if (neighbor->ago == 0)
        take_neighbours();
    const sch_exchange exchange = {forward, reverse, this};
    sch_part_properties properties = {};
    properties.forces = forces.data();
    properties.atom_energies = eflag_atom ? energies.data() : nullptr;
    properties.atom_virials = vflag_atom ? virials.data() : nullptr;
    for (size_t k = 0; k < members.size(); k++)
        std::copy_n(atom->x[members[k]], 3, &positions[3 * k]);
    if (!judged)
        judge();
    const sch_status status = sch_part_evaluate(part, positions.data(), &exchange, &properties);
    const std::string step = "step " + std::to_string(update->ntimestep);
    if (status == SCH_ERROR_STRUCTURE)
        name_culprits(step);
    check(status, step);
    add_results(properties);
}

/** Warn once a run, for all processes, of a structure unlike those that the model was trained on. A
 * process knows its atoms and their neighbours, not whole molecules. Of what cannot be judged the
 * evaluation complains. */
void PairSchnell::judge() {
    enum { REASON_SIZE = 700 };
    char reason[REASON_SIZE] = "";
    bool covered = true;
    std::vector<int64_t> numbers;
    for (int i : members)
        numbers.push_back(atom->tag[i]);
    const sch_status status =
        sch_part_covers(part, positions.data(), numbers.data(), &covered, reason, sizeof reason);
    int mine = status == SCH_OK && !covered ? comm->me : comm->nprocs, first = mine;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world);
    judged = true;
    if (first == comm->nprocs)
        return;
    MPI_Bcast(reason, sizeof reason, MPI_CHAR, first, world);
    if (comm->me == 0)
        error->warning(FLERR, std::string("pair_style schnell: ") + reason);
}

/** Atoms have met, or fled. The library knows their places on this process; users know their IDs.
 */
void PairSchnell::name_culprits(const std::string &step) {
    for (int i : members)
        if (!std::isfinite(atom->x[i][0] + atom->x[i][1] + atom->x[i][2]))
            error->one(FLERR, step + ": the position of the atom with ID " +
                                  std::to_string(atom->tag[i]) + " is not finite");
    double closest = HUGE_VAL;
    std::array<int, 2> which = {0, 0};
    for (const auto &pair : pairs) {
        const double *a = &positions[3 * (size_t)pair[0]], *b = &positions[3 * (size_t)pair[1]];
        const double r = std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        if (r < closest) {
            closest = r;
            which = pair;
        }
    }
    error->one(FLERR, step + ": the atoms with IDs " +
                          std::to_string(atom->tag[members[which[0]]]) + " and " +
                          std::to_string(atom->tag[members[which[1]]]) + " are " +
                          std::to_string(closest) + " A apart, too close for any potential");
}

/** xx yy zz xy xz yz, as LAMMPS has them, of a 3 x 3 virial. */
static void add_virial(double *sum, const double *w) {
    sum[0] += w[0];
    sum[1] += w[4];
    sum[2] += w[8];
    sum[3] += 0.5 * (w[1] + w[3]);
    sum[4] += 0.5 * (w[2] + w[6]);
    sum[5] += 0.5 * (w[5] + w[7]);
}

void PairSchnell::add_results(const sch_part_properties &properties) {
    for (size_t k = 0; k < members.size(); k++)
        for (int x = 0; x < 3; x++)
            atom->f[members[k]][x] += forces[3 * k + x];
    if (eflag_global)
        eng_vdwl += properties.energy;
    if (eflag_atom)
        for (size_t k = 0; k < n_owned; k++)
            eatom[members[k]] += energies[k];
    if (vflag_global)
        add_virial(virial, properties.virial);
    if (vflag_atom)
        for (size_t k = 0; k < members.size(); k++)
            add_virial(vatom[members[k]], &virials[9 * k]);
}

double PairSchnell::memory_usage() {
    const double arrays =
        (double)sizeof(double) *
            (positions.capacity() + forces.capacity() + energies.capacity() + virials.capacity()) +
        (double)sizeof(int) *
            (members.capacity() + row.capacity() + species.capacity() + 2 * pairs.capacity());
    return arrays + (potential ? (double)sch_potential_memory(potential) : 0.0);
}

/* ---------------------------------------------------------------- features of ghosts */

void PairSchnell::exchange(const sch_features *now, bool is_forward) {
    sch_features rows = *now;
    features = &rows;
    if (is_forward)
        forward_features(comm, this);
    else
        reverse_features(comm, this);
    features = nullptr;
}

void PairSchnell::forward(void *pair, const sch_features *features) {
    static_cast<PairSchnell *>(pair)->exchange(features, true);
}

void PairSchnell::reverse(void *pair, const sch_features *gradients) {
    static_cast<PairSchnell *>(pair)->exchange(gradients, false);
}

static char *scalars_of(const sch_features *features, int i, size_t *bytes) {
    *bytes = features->channels * features->number_bytes;
    return static_cast<char *>(features->scalars) + (size_t)i * *bytes;
}

static char *vectors_of(const sch_features *features, int i, size_t *bytes) {
    *bytes = 3 * features->channels * features->number_bytes;
    return static_cast<char *>(features->vectors) + (size_t)i * *bytes;
}

/** Where the row of the atom with this number stands in a message. */
static char *place(double *buffer, int number, int row_doubles) {
    return reinterpret_cast<char *>(buffer + (size_t)number * row_doubles);
}

static void pack_row(const sch_features *features, int i, char *to) {
    size_t scalars, vectors;
    const char *h = scalars_of(features, i, &scalars), *v = vectors_of(features, i, &vectors);
    memcpy(to, h, scalars);
    memcpy(to + scalars, v, vectors);
}

static void unpack_row(const sch_features *features, int i, const char *from) {
    size_t scalars, vectors;
    char *h = scalars_of(features, i, &scalars), *v = vectors_of(features, i, &vectors);
    memcpy(h, from, scalars);
    memcpy(v, from + scalars, vectors);
}

template <class Real> static void add(void *to, const void *from, size_t bytes) {
    auto sum = static_cast<Real *>(to);
    auto terms = static_cast<const Real *>(from);
    for (size_t k = 0; k < bytes / sizeof(Real); k++)
        sum[k] += terms[k];
}

template <class Real> static void add_row(const sch_features *features, int i, const char *from) {
    size_t scalars, vectors;
    char *h = scalars_of(features, i, &scalars), *v = vectors_of(features, i, &vectors);
    add<Real>(h, from, scalars);
    add<Real>(v, from + scalars, vectors);
}

/* LAMMPS sends all atoms. Those of other styles have no features: what stands for them is unused.
 */

int PairSchnell::pack_forward_comm(int n, int *atoms, double *buffer, int, int *) {
    for (int k = 0; k < n; k++)
        if (row[atoms[k]] >= 0)
            pack_row(features, row[atoms[k]], place(buffer, k, comm_forward));
    return n * comm_forward;
}

void PairSchnell::unpack_forward_comm(int n, int first, double *buffer) {
    for (int k = 0; k < n; k++)
        if (row[first + k] >= 0)
            unpack_row(features, row[first + k], place(buffer, k, comm_forward));
}

int PairSchnell::pack_reverse_comm(int n, int first, double *buffer) {
    for (int k = 0; k < n; k++)
        if (row[first + k] >= 0)
            pack_row(features, row[first + k], place(buffer, k, comm_reverse));
    return n * comm_reverse;
}

void PairSchnell::unpack_reverse_comm(int n, int *atoms, double *buffer) {
    const auto add_one = features->number_bytes == sizeof(float) ? add_row<float> : add_row<double>;
    for (int k = 0; k < n; k++)
        if (row[atoms[k]] >= 0)
            add_one(features, row[atoms[k]], place(buffer, k, comm_reverse));
}
