#include "validate_csv.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char COLUMNS[] =
    "file,frame,atom,element,axis,reference_eV_per_A,predicted_eV_per_A\n";

static bool failed(const struct csv *csv) {
    complain("%s: cannot be written: %s", csv->path, strerror(errno));
    return false;
}

static bool start_pending(struct csv *csv) {
    csv->pending = open_memstream(&csv->text, &csv->size);
    return csv->pending || failed(csv);
}

bool csv_open(struct csv *csv, const char *path) {
    *csv = (struct csv){.path = path};
    csv->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (csv->file < 0)
        return failed(csv);
    csv->open = true;
    if (!start_pending(csv))
        return false;
    fputs(COLUMNS, csv->pending);
    return true;
}

/* RFC 4180: a name with a comma, a quote or a line break goes into quotes. */
static void put_name(FILE *stream, const char *name) {
    if (!strpbrk(name, ",\"\r\n")) {
        fputs(name, stream);
        return;
    }
    putc('"', stream);
    for (; *name; name++) {
        if (*name == '"')
            putc('"', stream);
        putc(*name, stream);
    }
    putc('"', stream);
}

bool csv_add(struct csv *csv, const sch_system *system, const double *predicted,
             const struct place *frame) {
    const double *reference = sch_system_reference_forces(system);
    const int *elements = sch_system_atomic_numbers(system);
    size_t n = sch_system_n_atoms(system);
    for (size_t k = 0; k < 3 * n; k++) {
        put_name(csv->pending, frame->file);
        fprintf(csv->pending, ",%ld,%zu,%s,%c,%.10g,%.10g\n", frame->frame, k / 3 + 1,
                sch_element_symbol(elements[k / 3]), "xyz"[k % 3], reference[k], predicted[k]);
    }
    return !ferror(csv->pending) || failed(csv);
}

static bool write_all(const struct csv *csv) {
    for (size_t done = 0; done < csv->size;) {
        ssize_t written = write(csv->file, csv->text + done, csv->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed(csv);
        done += (size_t)written;
    }
    return true;
}

static void drop_pending(struct csv *csv) {
    if (csv->pending)
        fclose(csv->pending);
    free(csv->text);
    csv->pending = NULL;
    csv->text = NULL;
    csv->size = 0;
}

bool csv_flush(struct csv *csv) {
    if (fflush(csv->pending) != 0)
        return failed(csv);
    bool sound = write_all(csv);
    drop_pending(csv);
    return sound && start_pending(csv);
}

bool csv_close(struct csv *csv) {
    if (!csv_flush(csv))
        return false;
    drop_pending(csv);
    // A device or a pipe cannot be synchronised, and need not be.
    if (fsync(csv->file) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
        return failed(csv);
    csv->open = false;
    return close(csv->file) == 0 || failed(csv);
}

void csv_discard(struct csv *csv) {
    struct stat about;
    if (!csv->open)
        return;
    drop_pending(csv);
    bool ordinary = fstat(csv->file, &about) == 0 && S_ISREG(about.st_mode);
    close(csv->file);
    if (ordinary)
        unlink(csv->path);
    csv->open = false;
}
