#include "base/hdf5_array.h"

#include <limits.h>
#include <string.h>

/* ---------------------------------------------------------------- types and shapes */

/** Numbers fill their bytes, without bits that are left over. */
static bool fills(struct hdf5_stretch *message, size_t size) {
    return hdf5_take(message, 2) == 0 && hdf5_take(message, 2) == 8 * size;
}

/** IEEE 754 with 4 or 8 bytes. */
static bool is_ieee(struct hdf5_stretch *message, unsigned bits, size_t size) {
    enum { IMPLIED_BIT = 2 << 4, VAX = 1 << 6 };
    const bool wide = size == 8;
    const unsigned sign = bits >> 8 & 0xff, exponent = wide ? 52 : 23;
    return (wide || size == 4) && (bits & 0x70) == IMPLIED_BIT && !(bits & VAX) &&
           sign == 8 * size - 1 && fills(message, size) && hdf5_take(message, 1) == exponent &&
           hdf5_take(message, 1) == (wide ? 11 : 8) && hdf5_take(message, 1) == 0 &&
           hdf5_take(message, 1) == exponent && hdf5_take(message, 4) == (wide ? 1023 : 127);
}

void hdf5_take_type(struct hdf5_stretch message, struct hdf5_array *array) {
    enum { FIXED_POINT = 0, FLOATING_POINT = 1, STRING = 3, VARIABLE = 9 };
    unsigned class = hdf5_take(&message, 1) & 0xf, bits = (unsigned)hdf5_take(&message, 3);
    size_t size = hdf5_take(&message, 4);
    array->size = size;
    array->big_endian = bits & 1;
    array->has_sign = bits & 8;
    array->class = HDF5_OTHER;
    if (class == FIXED_POINT && (size == 1 || size == 2 || size == 4 || size == 8) &&
        fills(&message, size))
        array->class = HDF5_INTEGER;
    if (class == FLOATING_POINT && is_ieee(&message, bits, size))
        array->class = HDF5_FLOAT;
    if (class == STRING || (class == VARIABLE && (bits & 0xf) == 1))
        array->class = HDF5_STRING;
    if (class == VARIABLE)
        array->size = 0;
    if (message.over)
        array->class = HDF5_OTHER;
}

void hdf5_take_shape(struct hdf5_stretch message, struct hdf5_array *array) {
    enum { SIMPLE = 1 };
    unsigned version = (unsigned)hdf5_take(&message, 1), rank = (unsigned)hdf5_take(&message, 1);
    (void)hdf5_take(&message, 1); /* whether it can grow */
    unsigned kind = (unsigned)hdf5_take(&message, version == 1 ? 5 : 1);
    array->rank = -1;
    array->count = 0;
    if (version < 1 || version > 2 || rank > HDF5_RANK_MAX)
        return;
    if (version == 2 && kind > SIMPLE) /* no values at all */
        return;
    uint64_t count = 1;
    for (unsigned d = 0; d < rank; d++) {
        array->shape[d] = hdf5_take(&message, 8);
        if (__builtin_mul_overflow(count, array->shape[d], &count))
            count = UINT64_MAX;
    }
    if (message.over)
        return;
    array->rank = (int)rank;
    array->count = count;
}

bool hdf5_is_stored(const struct hdf5_bytes *file, const struct hdf5_array *array) {
    uint64_t bytes;
    return array->rank >= 0 && !__builtin_mul_overflow(array->count, array->size, &bytes) &&
           bytes <= array->bytes && hdf5_within(file, array->address, bytes);
}

/* ---------------------------------------------------------------- values */

static uint64_t take_bits(const unsigned char *bytes, size_t size, bool big_endian) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits = bits << 8 | bytes[big_endian ? i : size - 1 - i];
    return bits;
}

static int64_t integer_value(const struct hdf5_array *array, uint64_t bits) {
    const int unused = (int)(64 - 8 * array->size);
    if (array->has_sign)
        return (int64_t)(bits << unused) >> unused;
    return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

static double floating_value(const struct hdf5_array *array, uint64_t bits) {
    double value;
    float narrow;
    const uint32_t half = (uint32_t)bits;
    memcpy(&value, &bits, sizeof value);
    memcpy(&narrow, &half, sizeof narrow);
    return array->size == sizeof narrow ? (double)narrow : value;
}

static int64_t within(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

static void convert(const struct hdf5_array *array, const unsigned char *bytes, size_t count,
                    enum hdf5_number as, void *values) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = take_bits(bytes + i * array->size, array->size, array->big_endian);
        switch (as) {
        case HDF5_AS_CHAR:
            ((signed char *)values)[i] =
                (signed char)within(integer_value(array, bits), SCHAR_MIN, SCHAR_MAX);
            break;
        case HDF5_AS_INT:
            ((int *)values)[i] = (int)within(integer_value(array, bits), INT_MIN, INT_MAX);
            break;
        case HDF5_AS_FLOAT:
            ((float *)values)[i] = (float)floating_value(array, bits);
            break;
        case HDF5_AS_DOUBLE:
            ((double *)values)[i] = floating_value(array, bits);
            break;
        }
    }
}

static const size_t memory_sizes[] = {
    [HDF5_AS_CHAR] = 1,
    [HDF5_AS_INT] = sizeof(int),
    [HDF5_AS_FLOAT] = sizeof(float),
    [HDF5_AS_DOUBLE] = sizeof(double),
};

/** Are the values in the file as they are to be in memory? */
static bool is_native(const struct hdf5_array *array, enum hdf5_number as) {
    const bool host_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return array->size == memory_sizes[as] &&
           (array->size == 1 || array->big_endian == host_big_endian) &&
           (array->class == HDF5_FLOAT || array->has_sign);
}

sch_status hdf5_read_values(const struct hdf5_bytes *file, const struct hdf5_array *array,
                            uint64_t first, size_t count, enum hdf5_number as, void *values) {
    enum { BUFFER = 4096 };
    unsigned char buffer[BUFFER];
    uint64_t address = array->address + first * array->size;
    if (is_native(array, as))
        return hdf5_read_bytes(file, address, count * array->size, values);
    for (size_t done = 0, n; done < count; done += n) {
        n = BUFFER / array->size < count - done ? BUFFER / array->size : count - done;
        SCH_TRY(hdf5_read_bytes(file, address + done * array->size, n * array->size, buffer));
        convert(array, buffer, n, as, (char *)values + done * memory_sizes[as]);
    }
    return SCH_OK;
}
