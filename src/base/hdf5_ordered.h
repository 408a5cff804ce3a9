/*
 * A way to write HDF5 files (a virtual file driver, in HDF5's words) that are sound at any moment.
 *
 * HDF5 writes its own records, the metadata, in an order that suits itself: a program that is
 * killed meanwhile leaves records that point to others which are not there yet. Here data goes into
 * the file at once, where no record tells of it yet. Metadata is kept in memory until HDF5 flushes
 * the file, and then written in an order in which each record finds all that it points to:
 *
 * - the file takes its new length;
 * - the superblock, which tells this length; that of a new file, which makes it one, comes last;
 * - new records, to which nothing points yet;
 * - nodes of B-trees, parents before children: of a node that was split the old text still holds
 *   what the new one has lost;
 * - headers of objects, which tell how many frames there are; the last made first.
 *
 * Each is one write within a page of 4096 bytes, which Linux carries out as a whole on the file
 * systems of disks and in memory, though the program be killed in the midst. A machine that loses
 * its power writes pages in an order of its own: this is no help then.
 *
 * It is for files that grow: what is taken out of them again may, for the moment of a flush, be
 * gone before what points to it.
 */
#ifndef SCH_BASE_HDF5_ORDERED_H
#define SCH_BASE_HDF5_ORDERED_H

#include <hdf5.h>

/**
 * Make a file access list open files this way. No file is locked. Between hdf5_enter and
 * hdf5_leave (base/hdf5_guard.h), as all of HDF5.
 * @param error  errno of the first write that failed. HDF5 is told of none: it cannot undo them,
 *               nor even close a file to which it cannot write. Data that could not be written is
 *               lost, and must be written again or cut off, so HDF5 must have no cache of chunks.
 *               Metadata is kept for the next flush. Must outlive the file.
 */
herr_t hdf5_order_writes(hid_t access, int *error);

#endif
