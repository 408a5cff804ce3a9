#include "base/hdf5_ordered.h"

#include "base/memory.h"
#include "base/positioned.h"
#include "base/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/** What is written as a whole. */
#define PAGE 4096

/** Free bytes behind each record: HDF5 cannot make it longer there, into the next page. */
#define GAP 8

/** When a record is written. */
enum stage { LENGTH, NEW, NODE, HEADER, SIGNATURE };

/** A piece of metadata as it is to be. */
struct record {
    haddr_t address;
    size_t size;
    H5FD_mem_t type;
    enum stage stage;
    unsigned char *bytes;
};

struct ordered {
    H5FD_t base; /* HDF5's part, which comes first */
    int descriptor;
    unsigned forks; /* threads_forks() of the process that opened it */
    int *error;
    haddr_t end;            /* of what has its place in the file */
    haddr_t size;           /* of the file as it is */
    haddr_t told;           /* the length that its superblock tells; 0: it has none yet */
    struct record *records; /* [n_records] not written yet, by address; none overlaps another */
    size_t n_records, capacity;
};

static struct ordered *ordered(H5FD_t *file) {
    return (struct ordered *)file;
}

/* ---------------------------------------------------------------- records that are kept */

/** The first record that ends behind this address, or n_records. */
static size_t find_record(const struct ordered *file, haddr_t address) {
    size_t low = 0, high = file->n_records;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct record *record = &file->records[middle];
        if (record->address + record->size > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/** Records are written and read whole: what overlaps with another is of a place that was freed and
 *  is used again. */
static void drop_records(struct ordered *file, haddr_t address, size_t size) {
    size_t first = find_record(file, address), behind = first;
    for (; behind < file->n_records && file->records[behind].address < address + size; behind++)
        free(file->records[behind].bytes);
    if (behind == first)
        return; /* perhaps there is no record at all, nor any list */
    memmove(&file->records[first], &file->records[behind],
            (file->n_records - behind) * sizeof *file->records);
    file->n_records -= behind - first;
}

static herr_t keep_record(struct ordered *file, H5FD_mem_t type, haddr_t address, size_t size,
                          const void *bytes) {
    drop_records(file, address, size);
    struct record record = {.address = address, .size = size, .type = type};
    if (memory_grow(&file->records, &file->capacity, file->n_records, file->n_records + 1,
                    sizeof *file->records) != SCH_OK ||
        memory_new(&record.bytes, size, 1) != SCH_OK)
        return -1;
    memcpy(record.bytes, bytes, size);
    size_t place = find_record(file, address);
    memmove(&file->records[place + 1], &file->records[place],
            (file->n_records - place) * sizeof record);
    file->records[place] = record;
    file->n_records++;
    return 0;
}

/* ---------------------------------------------------------------- the file itself */

/** The file is its process's: HDF5 closes all files when a forked child exits, and must not write
 *  there what the parent writes too. */
static bool is_foreign(const struct ordered *file) {
    return file->forks != threads_forks();
}

/** 0, or the errno of the failure. */
static int write_at(struct ordered *file, haddr_t address, size_t size, const void *bytes) {
    if (is_foreign(file))
        return EPERM;
    int error = positioned_write(file->descriptor, bytes, size, address);
    if (!error && address + size > file->size)
        file->size = address + size;
    return error;
}

/** What lies behind the end of the file is zero. */
static herr_t read_at(const struct ordered *file, haddr_t address, size_t size, void *bytes) {
    size_t got;
    if (positioned_read(file->descriptor, bytes, size, address, &got) != 0)
        return -1;
    memset((char *)bytes + got, 0, size - got);
    return 0;
}

static int set_length(struct ordered *file, haddr_t size) {
    int status;
    if (is_foreign(file))
        return EPERM;
    do
        status = ftruncate(file->descriptor, (off_t)size);
    while (status != 0 && errno == EINTR);
    if (status != 0)
        return errno;
    file->size = size;
    return 0;
}

/* ---------------------------------------------------------------- the order */

static enum stage choose_stage(const struct ordered *file, const struct record *record) {
    if (record->type == H5FD_MEM_SUPER)
        return file->told > 0 ? LENGTH : SIGNATURE;
    if (record->address >= file->told)
        return NEW;
    return record->type == H5FD_MEM_BTREE ? NODE : HEADER;
}

/** How far a B-tree node is above the leaves: behind "TREE" and the kind of tree. */
static int level(const struct record *record) {
    return record->stage == NODE ? record->bytes[5] : 0;
}

static int by_order(const void *a, const void *b) {
    const struct record *left = a, *right = b;
    if (left->stage != right->stage)
        return left->stage < right->stage ? -1 : 1;
    if (level(left) != level(right))
        return level(left) > level(right) ? -1 : 1;
    return left->address > right->address ? -1 : left->address < right->address;
}

static int by_address(const void *a, const void *b) {
    const struct record *left = a, *right = b;
    return left->address < right->address ? -1 : left->address > right->address;
}

/** Records that cannot be written stay, and those before them, too: they may be written twice. */
static int write_records(struct ordered *file) {
    int error = 0;
    for (size_t r = 0; r < file->n_records; r++)
        file->records[r].stage = choose_stage(file, &file->records[r]);
    if (file->n_records > 0)
        qsort(file->records, file->n_records, sizeof *file->records, by_order);
    for (size_t r = 0; r < file->n_records && !error; r++)
        error =
            write_at(file, file->records[r].address, file->records[r].size, file->records[r].bytes);
    if (error)
        qsort(file->records, file->n_records, sizeof *file->records, by_address);
    else
        drop_records(file, 0, file->end);
    return error;
}

static int write_all(struct ordered *file) {
    int error = file->size < file->end ? set_length(file, file->end) : 0;
    if (!error)
        error = write_records(file);
    if (!error && file->size > file->end)
        error = set_length(file, file->end);
    if (!error)
        file->told = file->end;
    return error;
}

static void note(const struct ordered *file, int error) {
    if (*file->error == 0)
        *file->error = error;
}

/* ---------------------------------------------------------------- HDF5's view */

static int open_flags(unsigned flags) {
    return O_CLOEXEC | (flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY) |
           (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) | (flags & H5F_ACC_CREAT ? O_CREAT : 0) |
           (flags & H5F_ACC_EXCL ? O_EXCL : 0);
}

static H5FD_t *open_it(const char *name, unsigned flags, hid_t access, haddr_t largest) {
    (void)largest;
    struct ordered *file = NULL;
    struct stat about;
    int *const *error = H5Pget_driver_info(access);
    if (!error || memory_new(&file, 1, sizeof *file) != SCH_OK)
        return NULL;
    file->error = *error;
    file->forks = threads_forks();
    file->descriptor = open(name, open_flags(flags), 0666);
    if (file->descriptor >= 0 && fstat(file->descriptor, &about) == 0) {
        file->told = file->size = (haddr_t)about.st_size;
        return &file->base;
    }
    if (file->descriptor >= 0)
        close(file->descriptor);
    free(file);
    return NULL;
}

/** What a flush could not write is tried once more: the cause may have passed, and one record may
 * be there in part. */
static herr_t close_it(H5FD_t *base) {
    struct ordered *file = ordered(base);
    if (file->n_records > 0)
        note(file, write_all(file));
    if (close(file->descriptor) != 0 && errno != EINTR)
        note(file, errno);
    drop_records(file, 0, HADDR_MAX);
    free(file->records);
    free(file);
    return 0;
}

/** Are they the same file? 0, as strcmp. */
static int compare(const H5FD_t *a, const H5FD_t *b) {
    struct stat left, right;
    if (fstat(((const struct ordered *)a)->descriptor, &left) != 0 ||
        fstat(((const struct ordered *)b)->descriptor, &right) != 0)
        return a < b ? -1 : a > b;
    if (left.st_dev != right.st_dev)
        return left.st_dev < right.st_dev ? -1 : 1;
    return left.st_ino < right.st_ino ? -1 : left.st_ino > right.st_ino;
}

/** HDF5 must not gather records, which would lose their types, nor choose places for them. */
static herr_t query(const H5FD_t *base, unsigned long *flags) {
    (void)base;
    *flags = H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

/** A place in the file; for metadata, if it can be, within one page. */
static haddr_t allocate(H5FD_t *base, H5FD_mem_t type, hid_t transfer, hsize_t size) {
    (void)transfer;
    struct ordered *file = ordered(base);
    haddr_t begin = file->end;
    const bool data = type == H5FD_MEM_DRAW;
    if (!data && size <= PAGE && begin / PAGE != (begin + size - 1) / PAGE)
        begin += PAGE - begin % PAGE;
    file->end = begin + size + (data ? 0 : GAP);
    return begin;
}

static haddr_t get_end(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return ((const struct ordered *)base)->end;
}

static herr_t set_end(H5FD_t *base, H5FD_mem_t type, haddr_t end) {
    (void)type;
    ordered(base)->end = end;
    return 0;
}

static haddr_t get_size(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return ((const struct ordered *)base)->size;
}

static herr_t read_it(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                      void *bytes) {
    (void)type, (void)transfer;
    const struct ordered *file = ordered(base);
    if (read_at(file, address, size, bytes) < 0)
        return -1;
    for (size_t r = find_record(file, address);
         r < file->n_records && file->records[r].address < address + size; r++) {
        const struct record *record = &file->records[r];
        haddr_t from = record->address > address ? record->address : address;
        haddr_t to = record->address + record->size;
        if (to > address + size)
            to = address + size;
        memcpy((char *)bytes + (from - address), record->bytes + (from - record->address),
               to - from);
    }
    return 0;
}

static herr_t write_it(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                       const void *bytes) {
    (void)transfer;
    struct ordered *file = ordered(base);
    if (type != H5FD_MEM_DRAW)
        return keep_record(file, type, address, size, bytes);
    drop_records(file, address, size);
    note(file, write_at(file, address, size, bytes));
    return 0;
}

static herr_t flush(H5FD_t *base, hid_t transfer, hbool_t closing) {
    (void)transfer, (void)closing;
    note(ordered(base), write_all(ordered(base)));
    return 0;
}

/** HDF5's number of the driver. It is registered once, as long as HDF5 is in use: when the last
 * file is closed, HDF5 still looks at it. */
static hid_t registered = -1;

static herr_t forget_driver(void) {
    registered = -1;
    return 0;
}

static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION /* from HDF5 1.14 on */
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)511, /* of those that are free for anyone */
#endif
    .name = "schnell_ordered",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .terminate = forget_driver,
    .fapl_size = sizeof(int *),
    .open = open_it,
    .close = close_it,
    .cmp = compare,
    .query = query,
    .alloc = allocate,
    .get_eoa = get_end,
    .set_eoa = set_end,
    .get_eof = get_size,
    .read = read_it,
    .write = write_it,
    .flush = flush,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t hdf5_order_writes(hid_t access, int *error) {
    *error = 0;
    if (registered < 0)
        registered = H5FDregister(&driver);
    return registered < 0 ? -1 : H5Pset_driver(access, registered, &error);
}
