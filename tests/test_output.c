/* base/output: whole records or nothing, also on a full disk, a pipe, a device. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "support.h"

/** Bytes of a file, -1 if it is not there. */
static long size_of(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

static void assert_content(const char *path, const char *expected) {
    char content[256] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    assert_int_equal(count, strlen(expected));
    assert_string_equal(content, expected);
}

static int count_entries(const char *command) {
    char shell[512];
    snprintf(shell, sizeof shell, "ls -A %s | %s", support_folder(), command);
    FILE *pipe = popen(shell, "r");
    int count = -1;
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

/* ---------------------------------------------------------------- appending */

static void records_are_appended(void **unused) {
    (void)unused;
    const char *path = support_file("records", "an older file, which is longer");
    struct output *output = NULL;
    assert_ok(output_create(&output, path));
    assert_ok(output_append(output, "one\n", 4));
    assert_ok(output_append(output, "two\n", 4));
    assert_content(path, "one\ntwo\n"); /* there before it is closed */
    assert_ok(output_close(output));
    assert_content(path, "one\ntwo\n");
    assert_ok(output_close(NULL));
}

static void without_a_record_there_is_no_file(void **unused) {
    (void)unused;
    const char *path = support_path("empty");
    struct output *output = NULL;
    assert_ok(output_create(&output, path));
    assert_ok(output_close(output));
    assert_int_equal(size_of(path), -1);
}

static void what_cannot_be_created_is_an_error(void **unused) {
    (void)unused;
    struct output *output = NULL;
    char message[512];
    const char *path = support_path("no/folder.txt");
    snprintf(message, sizeof message, "%s: cannot create: No such file or directory", path);
    assert_fails(output_create(&output, path), SCH_ERROR_IO, message);
    assert_null(output);
    assert_fails(output_create(&output, support_folder()), SCH_ERROR_IO,
                 ": cannot create: Is a directory");
    assert_null(output);
}

static void a_full_disk_leaves_whole_records(void **unused) {
    (void)unused;
    const char *path = support_path("full");
    struct output *output = NULL;
    assert_ok(output_create(&output, path));
    assert_ok(output_append(output, "12345678\n", 9));
    support_limit_file_size(12);
    assert_fails(output_append(output, "87654321\n", 9), SCH_ERROR_IO,
                 "full: cannot write: File too large");
    assert_content(path, "12345678\n");
    assert_ok(output_append(output, "ab\n", 3)); /* that still fits */
    support_limit_file_size(0);
    assert_ok(output_append(output, "more\n", 5));
    assert_ok(output_close(output));
    assert_content(path, "12345678\nab\nmore\n");
}

static void a_full_disk_leaves_no_part_of_the_first_record(void **unused) {
    (void)unused;
    const char *path = support_path("full at once");
    struct output *output = NULL;
    assert_ok(output_create(&output, path));
    support_limit_file_size(4);
    assert_fails(output_append(output, "12345678\n", 9), SCH_ERROR_IO, "cannot write");
    support_limit_file_size(0);
    assert_int_equal(size_of(path), -1);
    assert_fails(output_append(output, "again\n", 6), SCH_ERROR_IO, "an earlier write failed");
    assert_ok(output_close(output));
    assert_int_equal(size_of(path), -1);
}

static void devices_and_pipes_take_records(void **unused) {
    (void)unused;
    struct output *output = NULL;
    assert_ok(output_create(&output, "/dev/null"));
    assert_ok(output_append(output, "gone\n", 5));
    assert_ok(output_close(output));
    assert_ok(output_create(&output, "/dev/null"));
    assert_ok(output_close(output)); /* without a record, and still there: */
    assert_int_equal(access("/dev/null", W_OK), 0);
    assert_ok(output_create(&output, "/dev/full"));
    assert_fails(output_append(output, "none\n", 5), SCH_ERROR_IO,
                 "/dev/full: cannot write: No space left on device");
    assert_ok(output_close(output));

    const char *path = support_path("pipe");
    char read_back[8] = "";
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(output_create(&output, path));
    assert_ok(output_append(output, "piped", 5));
    assert_int_equal(read(reader, read_back, sizeof read_back), 5);
    assert_ok(output_close(output));
    close(reader);
    assert_string_equal(read_back, "piped");
    assert_int_equal(access(path, F_OK), 0);
}

/** Standard output that a shell sent to a file: behind what the program printed there. */
static void standard_output_is_not_emptied(void **unused) {
    (void)unused;
    const char *path = support_file("printed", "");
    struct output *output = NULL;
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), file = open(path, O_WRONLY);
    dup2(file, STDOUT_FILENO);
    ssize_t written = write(STDOUT_FILENO, "first\n", 6);
    sch_status created = output_create(&output, "/dev/stdout");
    sch_status appended = created == SCH_OK ? output_append(output, "second\n", 7) : created;
    sch_status closed = created == SCH_OK ? output_close(output) : created;
    written += write(STDOUT_FILENO, "third\n", 6);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(file);
    assert_ok(created);
    assert_ok(appended);
    assert_ok(closed);
    assert_int_equal(written, 12);
    assert_content(path, "first\nsecond\nthird\n");
}

/* ---------------------------------------------------------------- whole files */

static void a_whole_file_replaces_another(void **unused) {
    (void)unused;
    const char *path = support_file("whole", "an older file, which is longer");
    int entries = count_entries("wc -l");
    assert_ok(sch_write_file(path, "new\n", 4));
    assert_content(path, "new\n");
    assert_int_equal(count_entries("wc -l"), entries);
    assert_ok(sch_write_file(path, "", 0));
    assert_content(path, "");
}

static void a_failed_file_leaves_the_old_one(void **unused) {
    (void)unused;
    const char *path = support_file("kept", "old\n");
    support_limit_file_size(4);
    assert_fails(sch_write_file(path, "much longer\n", 12), SCH_ERROR_IO,
                 "kept: cannot write: File too large");
    support_limit_file_size(0);
    assert_content(path, "old\n");
    assert_int_equal(count_entries("grep -c part || true"), 0);
    assert_fails(sch_write_file(support_path("no/file"), "x", 1), SCH_ERROR_IO,
                 "no/file: cannot create: No such file or directory");
}

static void a_link_stays_a_link(void **unused) {
    (void)unused;
    const char *path = support_file("target", "old\n"), *link = support_path("link");
    struct stat status;
    assert_int_equal(symlink(path, link), 0);
    assert_ok(sch_write_file(link, "new\n", 4));
    assert_content(path, "new\n");
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void a_whole_file_may_be_a_device(void **unused) {
    (void)unused;
    assert_ok(sch_write_file("/dev/null", "gone", 4));
    assert_fails(sch_write_file("/dev/full", "none", 4), SCH_ERROR_IO,
                 "/dev/full: cannot write: No space left on device");
    assert_fails(sch_write_file(support_folder(), "x", 1), SCH_ERROR_IO, "Is a directory");
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* so that write says EFBIG instead */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_appended),
        cmocka_unit_test(without_a_record_there_is_no_file),
        cmocka_unit_test(what_cannot_be_created_is_an_error),
        cmocka_unit_test(a_full_disk_leaves_whole_records),
        cmocka_unit_test(a_full_disk_leaves_no_part_of_the_first_record),
        cmocka_unit_test(devices_and_pipes_take_records),
        cmocka_unit_test(standard_output_is_not_emptied),
        cmocka_unit_test(a_whole_file_replaces_another),
        cmocka_unit_test(a_failed_file_leaves_the_old_one),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(a_whole_file_may_be_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
