#include "base/hdf5_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hdf5_collection.h"
#include "base/memory.h"

sch_status hdf5_wrong(const struct hdf5_reader *reader, const char *item, const char *expected,
                      const char *found) {
    const char *group = reader->group_name;
    return fail(SCH_ERROR_FORMAT, "%s: %s%s%s: expected %s, found %s", reader->file.path,
                group ? group : "", group && *item ? "/" : "", item, expected, found);
}

/* ---------------------------------------------------------------- the file */

enum { SIGNATURE_SIZE = 8, SUPERBLOCK_SIZE = 48 };

static const unsigned char SIGNATURE[SIGNATURE_SIZE] = {0x89, 'H',  'D',  'F',
                                                        '\r', '\n', 0x1a, '\n'};

bool hdf5_recognise(const char *path) {
    struct stat status;
    unsigned char found[SIGNATURE_SIZE + 1]; /* and something after it */
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool ours =
        fread(found, sizeof found, 1, file) == 1 && memcmp(found, SIGNATURE, sizeof SIGNATURE) == 0;
    fclose(file);
    return ours;
}

/** A regular file of a size that it can have. To open another may wait for ever, unless asked not
 * to. */
static sch_status open_file(struct hdf5_reader *reader, uint64_t most_bytes) {
    const char *path = reader->file.path;
    struct stat status;
    reader->file.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->file.descriptor < 0 || fstat(reader->file.descriptor, &status) != 0)
        return fail(SCH_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(SCH_ERROR_FORMAT, "%s: expected %s, found a folder or a device", path,
                    reader->kind);
    reader->file.end = (uint64_t)status.st_size;
    if (reader->file.end > most_bytes)
        return fail(SCH_ERROR_FORMAT, "%s: expected at most %llu bytes, found %llu", path,
                    (unsigned long long)most_bytes, (unsigned long long)reader->file.end);
    return SCH_OK;
}

/** What follows the signature: where the file ends, and where its root is. Addresses and lengths
 *  have 8 bytes, and a file of version 3 is not one that is being written. */
static bool take_superblock(struct hdf5_bytes *file, struct hdf5_stretch block, uint64_t *root) {
    const unsigned char *begin = block.next - SIGNATURE_SIZE;
    unsigned version = (unsigned)hdf5_take(&block, 1);
    uint64_t widths = hdf5_take(&block, 2), writers = hdf5_take(&block, 1);
    uint64_t base = hdf5_take(&block, 8);
    (void)hdf5_take(&block, 8); /* what extends it */
    uint64_t end = hdf5_take(&block, 8);
    *root = hdf5_take(&block, 8);
    bool sound = version <= 3 && widths == 0x0808 && (version < 3 || writers == 0) && base == 0 &&
                 end <= file->end &&
                 hdf5_checksum_holds(begin, SUPERBLOCK_SIZE - 4, (uint32_t)hdf5_take(&block, 4));
    file->end = sound ? end : file->end;
    return sound;
}

/** A superblock that came with checksums for all metadata. */
static sch_status read_superblock(struct hdf5_reader *reader, uint64_t *root) {
    struct hdf5_bytes *file = &reader->file;
    unsigned char bytes[SUPERBLOCK_SIZE] = {0};
    size_t there = file->end < sizeof bytes ? file->end : sizeof bytes;
    struct hdf5_stretch block = {.next = bytes + SIGNATURE_SIZE,
                                 .left = SUPERBLOCK_SIZE - SIGNATURE_SIZE};
    SCH_TRY(hdf5_read_bytes(file, 0, there, bytes));
    if (there <= SIGNATURE_SIZE || memcmp(bytes, SIGNATURE, sizeof SIGNATURE) != 0)
        return fail(SCH_ERROR_FORMAT, "%s: expected %s (HDF5), found something else", file->path,
                    reader->kind);
    if (bytes[SIGNATURE_SIZE] < 2)
        return fail(SCH_ERROR_FORMAT,
                    "%s: expected HDF5 with checksums (library version bound 1.8 or later), found "
                    "superblock version %d; a trajectory can be converted: schnell-convert",
                    file->path, bytes[SIGNATURE_SIZE]);
    if (!take_superblock(file, block, root))
        return fail(SCH_ERROR_FORMAT, "%s: expected %s, found a truncated or damaged one",
                    file->path, reader->kind);
    return SCH_OK;
}

static sch_status open_root(struct hdf5_reader *reader, uint64_t most_bytes) {
    /* In a sound file each byte of metadata is read three times at most: in a block, as a part of
     * that, and when it is asked for. */
    enum { READINGS = 4, AND_BYTES = 1 << 16 };
    uint64_t root = HDF5_NOWHERE;
    SCH_TRY(open_file(reader, most_bytes));
    SCH_TRY(read_superblock(reader, &root));
    reader->file.allowance = READINGS * reader->file.end + AND_BYTES;
    return hdf5_object_read(&reader->root, &reader->file, root);
}

sch_status hdf5_reader_open(struct hdf5_reader *reader, const char *path, const char *kind,
                            uint64_t most_bytes) {
    *reader = (struct hdf5_reader){.file = {.descriptor = -1, .path = path}, .kind = kind};
    sch_status status = open_root(reader, most_bytes);
    if (status != SCH_OK)
        hdf5_reader_close(reader);
    return status;
}

void hdf5_reader_close(struct hdf5_reader *reader) {
    if (reader->file.path && reader->file.descriptor >= 0)
        close(reader->file.descriptor);
    hdf5_object_free(&reader->root);
    hdf5_object_free(&reader->group);
    *reader = (struct hdf5_reader){0};
}

/* ---------------------------------------------------------------- attributes */

static const struct hdf5_object *present_group(const struct hdf5_reader *reader) {
    return reader->group_name ? &reader->group : &reader->root;
}

bool hdf5_has_attribute(const struct hdf5_reader *reader, const char *name) {
    return hdf5_items_find(&present_group(reader)->attributes, name) != NULL;
}

/** An attribute of the class expected and of 1 to `most` values. */
static sch_status open_attribute(struct hdf5_reader *reader, const char *name,
                                 enum hdf5_class class, uint64_t most,
                                 struct hdf5_array *attribute) {
    const struct hdf5_item *item = hdf5_items_find(&present_group(reader)->attributes, name);
    const char *expected = class == HDF5_STRING    ? "a string"
                           : class == HDF5_INTEGER ? "an integer or a list of them"
                                                   : "a floating-point number";
    if (!item)
        return hdf5_wrong(reader, name, "an attribute", "none");
    SCH_TRY(hdf5_attribute_read(attribute, &reader->file, item));
    if (attribute->class != class)
        return hdf5_wrong(reader, name, expected, "another type");
    if (attribute->count < 1 || attribute->count > most)
        return hdf5_wrong(reader, name, expected, "another number of values");
    if (!hdf5_is_stored(&reader->file, attribute))
        return hdf5_wrong(reader, name, expected, "fewer bytes");
    return SCH_OK;
}

/** Fixed length only: strings of variable length lie on a heap of another kind. */
sch_status hdf5_read_string(struct hdf5_reader *reader, const char *name, char **text) {
    struct hdf5_array attribute;
    SCH_TRY(open_attribute(reader, name, HDF5_STRING, 1, &attribute));
    char buffer[HDF5_TEXT_MAX] = "";
    if (attribute.size == 0 || attribute.size >= HDF5_TEXT_MAX)
        return hdf5_wrong(reader, name, "a string of fixed length, less than 4000 bytes",
                          "another");
    SCH_TRY(hdf5_read_bytes(&reader->file, attribute.address, attribute.size, buffer));
    for (char *c = buffer; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?'; /* these texts are printed: no escape codes from a stranger's file */
    return memory_string(text, buffer);
}

/** Of a string that lies elsewhere: its length, and where it is. */
enum { REFERENCE_SIZE = 16 };

static sch_status read_elsewhere(struct hdf5_reader *reader, uint64_t address,
                                 char label[HDF5_LABEL_SIZE]) {
    struct hdf5_stretch reference, text;
    SCH_TRY(hdf5_read_stretch(&reader->file, address, REFERENCE_SIZE, &reference));
    const uint64_t length = hdf5_take(&reference, 4), collection = hdf5_take(&reference, 8);
    const uint64_t index = hdf5_take(&reference, 4);
    hdf5_stretch_free(&reference);
    SCH_TRY(hdf5_collection_read(&reader->file, collection, index, &text));
    size_t n = length < text.left ? length : text.left;
    n = n < HDF5_LABEL_SIZE - 1 ? n : HDF5_LABEL_SIZE - 1;
    memcpy(label, text.next, n);
    hdf5_stretch_free(&text);
    return SCH_OK;
}

sch_status hdf5_read_label(struct hdf5_reader *reader, const char *name, uint64_t count,
                           uint64_t place, char label[HDF5_LABEL_SIZE]) {
    struct hdf5_array attribute;
    SCH_TRY(open_attribute(reader, name, HDF5_STRING, count, &attribute));
    const uint64_t size = attribute.size ? attribute.size : REFERENCE_SIZE;
    if (attribute.count != count || size > attribute.bytes / count)
        return hdf5_wrong(reader, name, "strings", "another number of them");
    memset(label, 0, HDF5_LABEL_SIZE);
    const uint64_t address = attribute.address + place * size;
    if (attribute.size == 0)
        SCH_TRY(read_elsewhere(reader, address, label));
    else
        SCH_TRY(hdf5_read_bytes(&reader->file, address,
                                size < HDF5_LABEL_SIZE ? size : HDF5_LABEL_SIZE - 1, label));
    for (char *c = label; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return SCH_OK;
}

sch_status hdf5_read_integers(struct hdf5_reader *reader, const char *name, int *values,
                              uint64_t most, int *count) {
    struct hdf5_array attribute;
    SCH_TRY(open_attribute(reader, name, HDF5_INTEGER, most, &attribute));
    *count = (int)attribute.count;
    return hdf5_read_values(&reader->file, &attribute, 0, attribute.count, HDF5_AS_INT, values);
}

sch_status hdf5_read_integer(struct hdf5_reader *reader, const char *name, int *value) {
    int count;
    return hdf5_read_integers(reader, name, value, 1, &count);
}

sch_status hdf5_read_number(struct hdf5_reader *reader, const char *name, double *value) {
    struct hdf5_array attribute;
    SCH_TRY(open_attribute(reader, name, HDF5_FLOAT, 1, &attribute));
    SCH_TRY(hdf5_read_values(&reader->file, &attribute, 0, 1, HDF5_AS_DOUBLE, value));
    return isfinite(*value) ? SCH_OK : hdf5_wrong(reader, name, "a finite number", "another");
}

/** A string attribute that can have one value only. */
static sch_status check_text(struct hdf5_reader *reader, const char *name, const char *expected) {
    char *text = NULL;
    SCH_TRY(hdf5_read_string(reader, name, &text));
    sch_status status = SCH_OK;
    if (strcmp(text, expected) != 0)
        status = fail(SCH_ERROR_FORMAT, "%s: %s: expected '%s', found '%.64s'", reader->file.path,
                      name, expected, text);
    free(text);
    return status;
}

sch_status hdf5_check_format(struct hdf5_reader *reader, const char *format, int version) {
    int found;
    SCH_TRY(check_text(reader, "format", format));
    SCH_TRY(hdf5_read_integer(reader, "format_version", &found));
    if (found != version)
        return fail(SCH_ERROR_FORMAT, "%s: format_version: expected %d, found %d",
                    reader->file.path, version, found);
    return check_text(reader, "units", "eV, angstrom");
}

/* ---------------------------------------------------------------- groups */

/** Read the object that a link in this group leads to. */
static sch_status follow(struct hdf5_reader *reader, const struct hdf5_object *group,
                         const char *name, const char *what, struct hdf5_object *object) {
    const struct hdf5_item *link = hdf5_items_find(&group->links, name);
    if (!link)
        return hdf5_wrong(reader, name, what, "none");
    if (link->address == HDF5_NOWHERE)
        return hdf5_wrong(reader, name, what, "a link to elsewhere");
    return hdf5_object_read(object, &reader->file, link->address);
}

/** A longer name is cut, and then there is none such. */
enum { HDF5_NAME_SIZE = 256 };

/** Read the object at a path from the root. */
static sch_status find(struct hdf5_reader *reader, const char *path, const char *what,
                       struct hdf5_object *object) {
    const struct hdf5_object *parent = &reader->root;
    for (;;) {
        char name[HDF5_NAME_SIZE] = "";
        struct hdf5_object next = {0};
        const size_t length = strcspn(path, "/");
        memcpy(name, path, length < sizeof name ? length : sizeof name - 1);
        sch_status status = follow(reader, parent, name, what, &next);
        hdf5_object_free(object);
        if (status != SCH_OK)
            return status;
        *object = next;
        if (path[length] == '\0')
            return SCH_OK;
        parent = object;
        path += length + 1;
    }
}

sch_status hdf5_open_object(struct hdf5_reader *reader, const char *path, const char *what) {
    struct hdf5_object object = {0};
    reader->group_name = NULL;
    SCH_TRY(find(reader, path, what, &object));
    hdf5_object_free(&reader->group);
    reader->group = object;
    reader->group_name = path;
    return SCH_OK;
}

sch_status hdf5_open_group(struct hdf5_reader *reader, const char *path, const char *what) {
    SCH_TRY(hdf5_open_object(reader, path, what));
    if (reader->group.is_group)
        return SCH_OK;
    reader->group_name = NULL;
    return hdf5_wrong(reader, path, what, "another object");
}

/* ---------------------------------------------------------------- datasets */

bool hdf5_has(const struct hdf5_reader *reader, const char *name) {
    return hdf5_items_find(&present_group(reader)->links, name) != NULL;
}

/** "shape [1 or more, 9, 3]" */
static void describe_shape(char *text, size_t size, int rank, const uint64_t *shape, bool any) {
    int length = snprintf(text, size, "shape [");
    for (int d = 0; d < rank && (size_t)length < size; d++) {
        const char *comma = d ? ", " : "";
        length += any && shape[d] == HDF5_ANY
                      ? snprintf(text + length, size - (size_t)length, "%s1 or more", comma)
                      : snprintf(text + length, size - (size_t)length, "%s%llu", comma,
                                 (unsigned long long)shape[d]);
    }
    if ((size_t)length < size)
        snprintf(text + length, size - (size_t)length, "]");
}

static sch_status check_shape(const struct hdf5_reader *reader, const char *name,
                              const struct hdf5_array *dataset, int rank, uint64_t *shape) {
    bool same = dataset->rank == rank;
    for (int d = 0; same && d < rank; d++)
        same = shape[d] == HDF5_ANY ? dataset->shape[d] >= 1 : dataset->shape[d] == shape[d];
    if (!same) {
        char expected[96], found[96];
        describe_shape(expected, sizeof expected, rank, shape, true);
        describe_shape(found, sizeof found, dataset->rank, dataset->shape, false);
        return hdf5_wrong(reader, name, expected, dataset->rank < 0 ? "no shape" : found);
    }
    for (int d = 0; d < rank; d++)
        shape[d] = dataset->shape[d];
    return SCH_OK;
}

static sch_status check_values(const struct hdf5_reader *reader, const char *name,
                               const struct hdf5_object *object, enum hdf5_class class, int rank,
                               uint64_t *shape) {
    if (!object->is_dataset)
        return hdf5_wrong(reader, name, "a dataset", "another object");
    if (object->array.class != class)
        return hdf5_wrong(reader, name, class == HDF5_FLOAT ? "floating-point numbers" : "integers",
                          "another type");
    return check_shape(reader, name, &object->array, rank, shape);
}

/** A shape is only a statement, which may ask for all of the memory; bytes in the file are there.
 */
static sch_status check_dataset(const struct hdf5_reader *reader, const char *name,
                                const struct hdf5_object *object, enum hdf5_class class, int rank,
                                uint64_t *shape) {
    SCH_TRY(check_values(reader, name, object, class, rank, shape));
    if (!object->is_plain)
        return hdf5_wrong(reader, name, "plain storage", "chunks, filters or another file");
    if (!hdf5_is_stored(&reader->file, &object->array))
        return hdf5_wrong(reader, name, "all its values", "fewer in the file");
    return SCH_OK;
}

sch_status hdf5_open_dataset(struct hdf5_reader *reader, const char *name, enum hdf5_class class,
                             int rank, uint64_t *shape, struct hdf5_array *dataset) {
    struct hdf5_object object = {0};
    SCH_TRY(follow(reader, present_group(reader), name, "a dataset", &object));
    sch_status status = check_dataset(reader, name, &object, class, rank, shape);
    if (status == SCH_OK)
        *dataset = object.array;
    hdf5_object_free(&object);
    return status;
}

sch_status hdf5_read_dataset(struct hdf5_reader *reader, const char *name, int rank,
                             const uint64_t *shape, enum hdf5_number as, void *values) {
    const bool floating = as == HDF5_AS_FLOAT || as == HDF5_AS_DOUBLE;
    uint64_t exact[HDF5_RANK_MAX] = {0};
    struct hdf5_array dataset;
    for (int d = 0; d < rank; d++)
        exact[d] = shape[d];
    SCH_TRY(hdf5_open_dataset(reader, name, floating ? HDF5_FLOAT : HDF5_INTEGER, rank, exact,
                              &dataset));
    return hdf5_read_values(&reader->file, &dataset, 0, dataset.count, as, values);
}

sch_status hdf5_open_rows(struct hdf5_reader *reader, int rank, uint64_t *shape,
                          struct hdf5_rows *rows) {
    const struct hdf5_object *object = present_group(reader);
    *rows = (struct hdf5_rows){0};
    SCH_TRY(check_values(reader, "", object, HDF5_FLOAT, rank, shape));
    return hdf5_rows_open(rows, &reader->file, object);
}

sch_status hdf5_read_row(const struct hdf5_reader *reader, const struct hdf5_array *dataset,
                         uint64_t row, double *values) {
    const uint64_t width = dataset->count / dataset->shape[0];
    return hdf5_read_values(&reader->file, dataset, row * width, width, HDF5_AS_DOUBLE, values);
}
