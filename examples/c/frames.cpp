// The energies of all frames of a structure file, evaluated together; from C++.
//
//     frames STRUCTURES [MODEL]
#include <schnell.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

// Objects of the library free themselves.
template <auto release> struct Freed {
    template <class T> void operator()(T *object) const {
        release(object);
    }
};
using Model = std::unique_ptr<sch_model, Freed<sch_model_free>>;
using Potential = std::unique_ptr<sch_potential, Freed<sch_potential_free>>;
using Reader = std::unique_ptr<sch_reader, Freed<sch_reader_free>>;
using System = std::unique_ptr<sch_system, Freed<sch_system_free>>;

static void check(sch_status status) {
    if (status != SCH_OK)
        throw std::runtime_error(sch_last_error());
}

static std::vector<System> read(const char *path) {
    sch_reader *file;
    check(sch_reader_open(&file, path));
    Reader reader(file);
    std::vector<System> systems;
    for (;;) {
        sch_system *next;
        check(sch_reader_next(reader.get(), &next));
        if (!next)
            return systems;
        systems.emplace_back(next);
    }
}

static std::vector<double> energies(sch_potential *potential, const std::vector<System> &systems) {
    std::vector<sch_system *> pointers;
    for (const System &system : systems)
        pointers.push_back(system.get());
    std::vector<sch_properties> found(systems.size());
    check(sch_evaluate_batch(potential, pointers.size(), pointers.data(), found.data()));
    std::vector<double> values;
    for (const sch_properties &one : found)
        values.push_back(one.energy);
    return values;
}

int main(int argc, char **argv) try {
    if (argc < 2)
        throw std::invalid_argument("usage: frames STRUCTURES [MODEL]");
    sch_model *loaded;
    check(sch_model_load(&loaded, argc > 2 ? argv[2] : "tiny"));
    Model model(loaded);
    sch_potential *made;
    check(sch_potential_create(&made, model.get(), nullptr));
    Potential potential(made);
    for (double energy : energies(potential.get(), read(argv[1])))
        std::printf("%.6f\n", energy);
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "frames: %s\n", error.what());
    return 1;
}
