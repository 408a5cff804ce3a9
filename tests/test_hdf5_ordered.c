/* base/hdf5_ordered: a file is sound after each single write, and when a write fails. The writes
 * are recorded and done again one after the other, page by page, and HDF5's own driver reads the
 * file after each. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hdf5_ordered.h"
#include "base/memory.h"
#include "md/h5md.h"
#include "md/hdf5_writer.h"
#include "md/system.h"

enum { SERIES = 4, FRAMES = 160, PAGE = 4096 };
static const char *const names[SERIES] = {"/first", "/group/second", "/group/third", "/fourth"};

/* ---------------------------------------------------------------- what is written
 *
 * A program's definitions come before those of the C library for all that it is linked with. */

struct event {
    off_t from;
    size_t count;
    unsigned char *bytes; /* NULL: the file is cut or made longer to `from` */
    int flushed;          /* frames that had been flushed before */
};

static struct event *events;
static size_t n_events, capacity;
static bool recording;
static int flushed;       /* frames */
static long allowed = -1; /* writes until the disk is full; -1: never */

static void record(off_t from, size_t count, const void *bytes) {
    if (!recording)
        return;
    assert_ok(memory_grow(&events, &capacity, n_events, n_events + 1, sizeof *events));
    events[n_events] = (struct event){.from = from, .count = count, .flushed = flushed};
    if (bytes) {
        events[n_events].bytes = malloc(count);
        assert_non_null(events[n_events].bytes);
        memcpy(events[n_events].bytes, bytes, count);
    }
    n_events++;
}

static bool full(void) {
    if (allowed < 0)
        return false;
    if (allowed > 0) {
        allowed--;
        return false;
    }
    errno = ENOSPC;
    return true;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t from) {
    if (full())
        return -1;
    record(from, count, bytes);
    return syscall(SYS_pwrite64, descriptor, bytes, count, from);
}

int ftruncate(int descriptor, off_t length) {
    if (full())
        return -1;
    record(length, 0, NULL);
    return (int)syscall(SYS_ftruncate, descriptor, length);
}

static void forget_events(void) {
    for (size_t e = 0; e < n_events; e++)
        free(events[e].bytes);
    free(events);
    events = NULL;
    n_events = capacity = 0;
}

/* ---------------------------------------------------------------- a file that grows */

/** Nodes of at most 4 children and chunks of one number, so that trees are soon high. */
static hid_t create_file(const char *path, int *error) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    assert_true(hdf5_order_writes(access, error) >= 0);
    assert_true(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0);
    assert_true(H5Pset_cache(access, 0, 0, 0, 0.0) >= 0);
    assert_true(H5Pset_istore_k(creation, 2) >= 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    assert_true(file >= 0);
    H5Pclose(access);
    H5Pclose(creation);
    return file;
}

/** The header of the object must grow for it. */
static void add_attribute(hid_t object) {
    static const char text[3000] = "long";
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    assert_true(H5Tset_size(type, sizeof text) >= 0);
    hid_t attribute = H5Acreate2(object, "text", type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Awrite(attribute, type, text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static hid_t create_series(hid_t file, const char *name) {
    const hsize_t none = 0, largest = H5S_UNLIMITED, one = 1;
    hid_t space = H5Screate_simple(1, &none, &largest), layout = H5Pcreate(H5P_DATASET_CREATE),
          links = H5Pcreate(H5P_LINK_CREATE);
    assert_true(H5Pset_chunk(layout, 1, &one) >= 0);
    assert_true(H5Pset_create_intermediate_group(links, 1) >= 0);
    hid_t series = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, links, layout, H5P_DEFAULT);
    assert_true(series >= 0);
    add_attribute(series);
    H5Pclose(links);
    H5Pclose(layout);
    H5Sclose(space);
    return series;
}

/** Never zero, which is what HDF5 gives for a chunk that it does not find. */
static double value(int series, int frame) {
    return 1000.0 * (series + 1) + frame;
}

static void append(hid_t series, int number, int frame) {
    const hsize_t size = (hsize_t)frame + 1, start = (hsize_t)frame, one = 1;
    const double content = value(number, frame);
    assert_true(H5Dset_extent(series, &size) >= 0);
    hid_t place = H5Dget_space(series), source = H5Screate_simple(1, &one, NULL);
    H5Sselect_hyperslab(place, H5S_SELECT_SET, &start, NULL, &one, NULL);
    assert_true(H5Dwrite(series, H5T_NATIVE_DOUBLE, source, place, H5P_DEFAULT, &content) >= 0);
    H5Sclose(place);
    H5Sclose(source);
}

/** Flushed after 1 to 12 frames, as it comes. */
static void record_run(const char *path) {
    int error = 0;
    hid_t series[SERIES];
    forget_events();
    recording = true;
    flushed = -1;
    hid_t file = create_file(path, &error);
    for (int s = 0; s < SERIES; s++)
        series[s] = create_series(file, names[s]);
    assert_true(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
    flushed = 0;
    for (int frame = 0, next = 0; frame < FRAMES; frame++) {
        for (int s = 0; s < SERIES; s++)
            append(series[s], s, frame);
        if (frame < next)
            continue;
        assert_true(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
        flushed = frame + 1;
        next = frame + 1 + (int)support_uniform(0, 12);
    }
    for (int s = 0; s < SERIES; s++)
        H5Dclose(series[s]);
    assert_true(H5Fclose(file) >= 0);
    assert_int_equal(error, 0);
    recording = false;
}

/* ---------------------------------------------------------------- as others see it */

/** The frames of a series, each of which must be right. */
static int check_series(hid_t file, int number) {
    double content[FRAMES];
    hsize_t size = 0;
    hid_t series = H5Dopen2(file, names[number], H5P_DEFAULT);
    assert_true(series >= 0);
    hid_t space = H5Dget_space(series);
    assert_int_equal(H5Sget_simple_extent_dims(space, &size, NULL), 1);
    assert_true(size <= FRAMES);
    assert_true(H5Dread(series, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, content) >= 0);
    for (int frame = 0; frame < (int)size; frame++)
        assert_true(content[frame] == value(number, frame));
    H5Sclose(space);
    H5Dclose(series);
    return (int)size;
}

/** It opens, once something was flushed, and what was flushed is there; the series made first is
 *  the shortest. Gives its length, or -1: it is no HDF5 file yet. */
static int check_file(const char *path, int least) {
    int shortest = 0;
    htri_t is_hdf5;
    H5E_BEGIN_TRY {
        is_hdf5 = H5Fis_hdf5(path);
    }
    H5E_END_TRY
    if (is_hdf5 <= 0) {
        assert_true(least < 0);
        return -1;
    }
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    for (int s = 0; s < SERIES; s++) {
        int frames = check_series(file, s);
        assert_true(frames >= least);
        assert_true(s == 0 || frames >= shortest);
        if (s == 0)
            shortest = frames;
    }
    assert_true(H5Fclose(file) >= 0);
    return shortest;
}

/** What a program does to a file that is killed after so many bytes of an event. */
static void repeat(int descriptor, const struct event *event, size_t from, size_t to) {
    if (!event->bytes)
        assert_int_equal(ftruncate(descriptor, event->from), 0);
    else
        assert_int_equal(
            pwrite(descriptor, event->bytes + from, to - from, event->from + (off_t)from),
            to - from);
}

/** How far an event goes in the page that it is in. */
static size_t end_of_page(const struct event *event, size_t from) {
    size_t to = from + PAGE - (size_t)(event->from + (off_t)from) % PAGE;
    return to < event->count ? to : event->count;
}

static void sound_after_each_write(void **unused) {
    (void)unused;
    const char *copy = support_path("copy.h5");
    int frames = -1, opened = 0;
    record_run(support_path("run.h5"));
    int descriptor = open(copy, O_RDWR | O_CREAT | O_TRUNC, 0666);
    assert_true(descriptor >= 0);
    for (size_t e = 0; e < n_events; e++)
        for (size_t from = 0; from == 0 || from < events[e].count;) {
            size_t to = end_of_page(&events[e], from);
            repeat(descriptor, &events[e], from, to);
            from = events[e].bytes ? to : 1;
            if (events[e].count == sizeof(double))
                continue; /* data, of which no record tells yet */
            int now = check_file(copy, events[e].flushed);
            assert_true(now >= frames);
            frames = now;
            opened += now >= 0;
        }
    close(descriptor);
    assert_int_equal(frames, FRAMES);
    assert_true(opened > 500);
    forget_events();
}

/** Records that lie within a page are written as a whole. */
static void records_lie_within_pages(void **unused) {
    (void)unused;
    int pages = 0;
    record_run(support_path("run.h5"));
    for (size_t e = 0; e < n_events; e++) {
        if (!events[e].bytes || events[e].count >= PAGE || events[e].count == sizeof(double))
            continue;
        off_t last = events[e].from + (off_t)events[e].count - 1;
        assert_int_equal(events[e].from / PAGE, last / PAGE);
        pages += last >= PAGE;
    }
    assert_true(pages > 0);
    forget_events();
}

/** What is kept in memory is what HDF5 reads. */
static void read_before_it_is_written(void **unused) {
    (void)unused;
    int error = 0;
    const char *path = support_path("unwritten.h5");
    hid_t file = create_file(path, &error);
    H5AC_cache_config_t cache = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    /* A cache of metadata that holds next to nothing. */
    assert_true(H5Fget_mdc_config(file, &cache) >= 0);
    cache.set_initial_size = true;
    cache.initial_size = cache.min_size = cache.max_size = 1024;
    cache.incr_mode = H5C_incr__off;
    cache.flash_incr_mode = H5C_flash_incr__off;
    cache.decr_mode = H5C_decr__off;
    assert_true(H5Fset_mdc_config(file, &cache) >= 0);
    for (int s = 0; s < SERIES; s++) {
        hid_t series = create_series(file, names[s]);
        for (int frame = 0; frame < FRAMES; frame++)
            append(series, s, frame);
        H5Dclose(series);
    }
    for (int s = 0; s < SERIES; s++)
        assert_int_equal(check_series(file, s), FRAMES);
    assert_int_equal(check_file(path, -1), -1);
    assert_true(H5Fclose(file) >= 0);
    assert_int_equal(check_file(path, FRAMES), FRAMES);
}

/* ---------------------------------------------------------------- a restart */

/** Atoms of which a chunk holds one frame, and frames beside which the trees of HDF5's own size are
 *  split. */
enum { ATOMS = 400, BEFORE = 60, AFTER = 80 };

static double coordinate(int frame, int k) {
    return 10000.0 * (frame + 1) + k;
}

static void append_frames(struct h5md *file, sch_system *system, int from, int to) {
    static const double forces[3 * ATOMS];
    for (int frame = from; frame < to; frame++) {
        const sch_state state = {.step = frame};
        for (int k = 0; k < 3 * ATOMS; k++)
            system->positions[k] = coordinate(frame, k);
        assert_ok(h5md_append(file, 0, system, forces, &state));
    }
}

/** All frames that the file lists are right; gives their number. */
static int check_trajectory(const char *path) {
    static double content[AFTER][3 * ATOMS];
    hsize_t size[3] = {0};
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t series = H5Dopen2(file, "/particles/all/position/value", H5P_DEFAULT);
    hid_t space = H5Dget_space(series);
    assert_int_equal(H5Sget_simple_extent_dims(space, size, NULL), 3);
    assert_in_range(size[0], BEFORE, AFTER);
    assert_true(H5Dread(series, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, content) >= 0);
    for (int frame = 0; frame < (int)size[0]; frame++)
        for (int k = 0; k < 3 * ATOMS; k++)
            assert_true(content[frame][k] == coordinate(frame, k));
    H5Sclose(space);
    H5Dclose(series);
    assert_true(H5Fclose(file) >= 0);
    return (int)size[0];
}

static void copy_file(const char *from, const char *to) {
    char command[512];
    snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

/** A checkpoint in memory, and frames behind it. */
static struct file_mark make_trajectory(const char *path, struct sealed *checkpoint) {
    static const struct sealed_kind kind = {"test", 1};
    struct h5md *file = NULL;
    struct file_mark mark;
    int hydrogen[ATOMS];
    double positions[3 * ATOMS];
    sch_system *atoms = NULL;
    for (int i = 0; i < ATOMS; i++)
        hydrogen[i] = 1;
    for (int k = 0; k < 3 * ATOMS; k++)
        positions[k] = coordinate(0, k);
    assert_ok(sch_system_create(&atoms, ATOMS, hydrogen, positions, NULL, NULL));
    assert_ok(h5md_create(&file, path, 1, &(const sch_system *){atoms}));
    append_frames(file, atoms, 0, BEFORE);
    assert_ok(sealed_begin(checkpoint, &kind));
    checkpoint->taken = checkpoint->count;
    assert_ok(h5md_mark(file, &mark, checkpoint));
    assert_ok(sealed_put_number(checkpoint, 0)); /* where a checksum would be */
    append_frames(file, atoms, BEFORE, AFTER);
    assert_ok(h5md_close(file));
    sch_system_free(atoms);
    return mark;
}

/** A program that is killed while it restarts leaves a sound file, too. */
static void sound_while_it_is_resumed(void **unused) {
    (void)unused;
    const char *path = support_path("resumed.h5"), *copy = support_path("copy.h5");
    struct sealed checkpoint;
    struct h5md *file = NULL;
    int frames = AFTER;
    const struct file_mark mark = make_trajectory(path, &checkpoint);
    copy_file(path, copy);
    forget_events();
    recording = true;
    assert_ok(h5md_resume(&file, path, &mark, &checkpoint));
    recording = false;
    int descriptor = open(copy, O_RDWR);
    assert_true(descriptor >= 0 && n_events > 3);
    for (size_t e = 0; e < n_events; e++)
        for (size_t from = 0; from == 0 || from < events[e].count;) {
            size_t to = end_of_page(&events[e], from);
            repeat(descriptor, &events[e], from, to);
            from = events[e].bytes ? to : 1;
            int now = check_trajectory(copy);
            assert_true(now <= frames);
            frames = now;
        }
    close(descriptor);
    assert_int_equal(frames, BEFORE);
    assert_ok(h5md_close(file));
    assert_int_equal(check_trajectory(path), BEFORE);
    sealed_clear(&checkpoint);
    forget_events();
}

/* ---------------------------------------------------------------- a full disk */

/** Wherever the disk fills up, a reader finds what was flushed before; when it has room again,
 *  all is there. HDF5 hears nothing of it. */
static void a_full_disk(void **unused) {
    (void)unused;
    const char *path = support_path("full.h5");
    bool done = false;
    for (long writes = 0; !done; writes++) {
        int error = 0, seen = 0;
        hid_t series[SERIES];
        hid_t file = create_file(path, &error);
        for (int s = 0; s < SERIES; s++)
            series[s] = create_series(file, names[s]);
        for (int frame = 0; frame < 40; frame++) {
            for (int s = 0; s < SERIES; s++)
                append(series[s], s, frame);
            if (frame == 19)
                assert_true(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
        }
        assert_int_equal(error, 0);
        allowed = writes;
        assert_true(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
        done = error == 0;
        allowed = -1;
        assert_true(done || error == ENOSPC);
        seen = check_file(path, 20);
        assert_int_equal(seen, done ? 40 : 20);
        error = 0;
        for (int s = 0; s < SERIES; s++)
            H5Dclose(series[s]);
        assert_true(H5Fclose(file) >= 0);
        assert_int_equal(error, 0);
        assert_int_equal(check_file(path, 40), 40);
        assert_true(writes < 1000);
    }
}

/** The wrappers tell of the failure, once. */
static void failures_are_told(void **unused) {
    (void)unused;
    struct hdf5_writer writer = {.file = -1};
    struct hdf5_series series;
    const double number = 1.0;
    const char *path = support_path("told.h5");
    assert_true(hdf5_create(&writer, path));
    assert_true(hdf5_make_series(&writer, "/first", H5T_NATIVE_DOUBLE, 0, NULL, &series));
    assert_true(hdf5_flush(&writer));
    allowed = 0;
    assert_false(hdf5_append(&writer, &series, &number));
    allowed = -1;
    assert_string_equal(writer.reason, "No space left on device");
    hdf5_forget(&writer);
    assert_true(hdf5_cut(&writer, &series, 0));
    assert_true(hdf5_append(&writer, &series, &number));
    allowed = 0;
    assert_false(hdf5_flush(&writer));
    assert_string_equal(writer.reason, "No space left on device");
    assert_false(hdf5_close(&writer));
    allowed = -1;
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_after_each_write),    cmocka_unit_test(records_lie_within_pages),
        cmocka_unit_test(read_before_it_is_written), cmocka_unit_test(a_full_disk),
        cmocka_unit_test(failures_are_told),         cmocka_unit_test(sound_while_it_is_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
