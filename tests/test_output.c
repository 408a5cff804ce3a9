/* What the library writes: whole records or nothing, also on a full disk, a pipe, a device; one run
 * at a time; older files; texts for terminals. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
    sch_output *output = NULL;
    assert_ok(sch_output_create(&output, path));
    assert_ok(sch_output_append(output, "one\n", 4));
    assert_ok(sch_output_append(output, "two\n", 4));
    assert_content(path, "one\ntwo\n"); /* there before it is closed */
    assert_ok(sch_output_close(output));
    assert_content(path, "one\ntwo\n");
    assert_ok(sch_output_close(NULL));
}

static void without_a_record_there_is_no_file(void **unused) {
    (void)unused;
    const char *path = support_path("empty");
    sch_output *output = NULL;
    assert_ok(sch_output_create(&output, path));
    assert_ok(sch_output_close(output));
    assert_int_equal(size_of(path), -1);
}

static void what_cannot_be_created_is_an_error(void **unused) {
    (void)unused;
    sch_output *output = NULL;
    char message[512];
    const char *path = support_path("no/folder.txt");
    snprintf(message, sizeof message, "%s: cannot create: No such file or directory", path);
    assert_fails(sch_output_create(&output, path), SCH_ERROR_IO, message);
    assert_null(output);
    assert_fails(sch_output_create(&output, support_folder()), SCH_ERROR_IO,
                 ": cannot create: Is a directory");
    assert_null(output);
}

static void a_full_disk_leaves_whole_records(void **unused) {
    (void)unused;
    const char *path = support_path("full");
    sch_output *output = NULL;
    assert_ok(sch_output_create(&output, path));
    assert_ok(sch_output_append(output, "12345678\n", 9));
    support_limit_file_size(12);
    assert_fails(sch_output_append(output, "87654321\n", 9), SCH_ERROR_IO,
                 "full: cannot write: File too large");
    assert_content(path, "12345678\n");
    assert_ok(sch_output_append(output, "ab\n", 3)); /* that still fits */
    support_limit_file_size(0);
    assert_ok(sch_output_append(output, "more\n", 5));
    assert_ok(sch_output_close(output));
    assert_content(path, "12345678\nab\nmore\n");
}

static void a_full_disk_leaves_no_part_of_the_first_record(void **unused) {
    (void)unused;
    const char *path = support_path("full at once");
    sch_output *output = NULL;
    assert_ok(sch_output_create(&output, path));
    support_limit_file_size(4);
    assert_fails(sch_output_append(output, "12345678\n", 9), SCH_ERROR_IO, "cannot write");
    support_limit_file_size(0);
    assert_int_equal(size_of(path), -1);
    assert_fails(sch_output_append(output, "again\n", 6), SCH_ERROR_IO, "an earlier write failed");
    assert_ok(sch_output_close(output));
    assert_int_equal(size_of(path), -1);
}

static void devices_and_pipes_take_records(void **unused) {
    (void)unused;
    sch_output *output = NULL;
    assert_ok(sch_output_create(&output, "/dev/null"));
    assert_ok(sch_output_append(output, "gone\n", 5));
    assert_ok(sch_output_close(output));
    assert_ok(sch_output_create(&output, "/dev/null"));
    assert_ok(sch_output_close(output)); /* without a record, and still there: */
    assert_int_equal(access("/dev/null", W_OK), 0);
    assert_ok(sch_output_create(&output, "/dev/full"));
    assert_fails(sch_output_append(output, "none\n", 5), SCH_ERROR_IO,
                 "/dev/full: cannot write: No space left on device");
    assert_ok(sch_output_close(output));

    const char *path = support_path("pipe");
    char read_back[8] = "";
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(sch_output_create(&output, path));
    assert_ok(sch_output_append(output, "piped", 5));
    assert_int_equal(read(reader, read_back, sizeof read_back), 5);
    assert_ok(sch_output_close(output));
    close(reader);
    assert_string_equal(read_back, "piped");
    assert_int_equal(access(path, F_OK), 0);
}

/** Standard output that a shell sent to a file: behind what the program printed there. */
static void standard_output_is_not_emptied(void **unused) {
    (void)unused;
    const char *path = support_file("printed", "");
    sch_output *output = NULL;
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), file = open(path, O_WRONLY);
    dup2(file, STDOUT_FILENO);
    ssize_t written = write(STDOUT_FILENO, "first\n", 6);
    sch_status created = sch_output_create(&output, "/dev/stdout");
    sch_status appended = created == SCH_OK ? sch_output_append(output, "second\n", 7) : created;
    sch_status closed = created == SCH_OK ? sch_output_close(output) : created;
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

/* ---------------------------------------------------------------- one run at a time */

static void a_file_is_locked_while_it_is_open(void **unused) {
    (void)unused;
    const char *path = support_path("locked");
    sch_output *first = NULL, *second = NULL;
    assert_ok(sch_output_create(&first, path));
    assert_ok(sch_output_append(first, "first\n", 6));
    assert_fails(sch_output_create(&second, path), SCH_ERROR_IO,
                 "another run is writing this file");
    assert_fails(sch_output_extend(&second, path, 0), SCH_ERROR_IO, "another run is writing");
    assert_fails(sch_output_check(path), SCH_ERROR_IO, "locked: another run is writing this file");
    char *name = NULL;
    assert_fails(sch_set_aside(path, &name), SCH_ERROR_IO, "another run is writing");
    assert_null(second);
    assert_null(name);
    assert_content(path, "first\n"); /* and was not emptied */
    assert_ok(sch_output_append(first, "more\n", 5));
    assert_ok(sch_output_close(first));
    assert_content(path, "first\nmore\n");
    assert_ok(sch_output_check(path));
    assert_ok(sch_output_create(&second, path));
    assert_ok(sch_output_append(second, "second\n", 7));
    assert_ok(sch_output_close(second));
    assert_content(path, "second\n");
}

/** As of Python's multiprocessing, whose children have all files of their parent open. */
static void a_child_does_not_keep_the_lock(void **unused) {
    (void)unused;
    const char *path = support_path("inherited");
    sch_output *output = NULL;
    int gate[2];
    char byte;
    assert_ok(sch_output_create(&output, path));
    assert_ok(sch_output_append(output, "parent\n", 7));
    assert_int_equal(pipe(gate), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1); /* lives until the parent closes the pipe */
    }
    assert_true(child > 0);
    assert_ok(sch_output_close(output));
    assert_ok(sch_output_create(&output, path));
    assert_ok(sch_output_close(output));
    close(gate[0]);
    close(gate[1]);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_name_is_held(void **unused) {
    (void)unused;
    const char *path = support_path("held");
    sch_hold *first = NULL, *second = NULL;
    const int entries = count_entries("wc -l");
    assert_ok(sch_hold_create(&first, path));
    assert_fails(sch_hold_create(&second, path), SCH_ERROR_IO, "held: another run is writing this");
    assert_fails(sch_output_check(path), SCH_ERROR_IO, "another run is writing");
    assert_ok(sch_write_file(path, "a checkpoint", 12)); /* replaced by rename, and still held */
    assert_fails(sch_hold_create(&second, path), SCH_ERROR_IO, "another run is writing");
    assert_null(second);
    sch_hold_free(first);
    assert_int_equal(count_entries("wc -l"), entries + 1);
    assert_ok(sch_hold_create(&second, path));
    sch_hold_free(second);
    assert_ok(sch_hold_create(&first, "/dev/null"));
    sch_hold_free(first);
    sch_hold_free(NULL);
    assert_fails(sch_hold_create(&first, support_path("no/file")), SCH_ERROR_IO, "no/file.lock");
}

/** What a program that was killed leaves: a file that nobody has locked. */
static void a_name_that_was_left_is_free(void **unused) {
    (void)unused;
    sch_hold *held = NULL;
    support_file("left.lock", "");
    assert_ok(sch_hold_create(&held, support_path("left")));
    sch_hold_free(held);
    assert_int_equal(size_of(support_path("left.lock")), -1);
    support_file("left.lock", "a file of another kind");
    assert_ok(sch_hold_create(&held, support_path("left")));
    sch_hold_free(held);
    assert_content(support_path("left.lock"), "a file of another kind");
}

static void a_file_that_was_removed_or_replaced_is_told_of(void **unused) {
    (void)unused;
    const char *path = support_path("gone");
    sch_output *output = NULL;
    struct file_mark mark;
    for (int replaced = 0; replaced < 2; replaced++) {
        const char *what =
            replaced ? "gone: this file was replaced" : "gone: this file was removed";
        assert_ok(sch_output_create(&output, path));
        assert_ok(sch_output_append(output, "mine\n", 5));
        assert_int_equal(unlink(path), 0);
        if (replaced)
            support_file("gone", "theirs\n");
        assert_fails(output_mark(output, &mark), SCH_ERROR_IO, what);
        assert_fails(sch_output_close(output), SCH_ERROR_IO, what);
    }
    assert_content(path, "theirs\n");
    assert_ok(sch_output_create(&output, path));
    assert_int_equal(unlink(path), 0);
    support_file("gone", "theirs\n");
    sch_output_discard(output); /* does not remove the file of another */
    assert_content(path, "theirs\n");
}

static void a_file_is_extended(void **unused) {
    (void)unused;
    const char *path = support_file("extended", "one\ntwo\nthr");
    sch_output *output = NULL;
    assert_ok(sch_output_extend(&output, path, 8));
    assert_ok(sch_output_append(output, "three\n", 6));
    assert_ok(sch_output_close(output));
    assert_content(path, "one\ntwo\nthree\n");
    assert_fails(sch_output_extend(&output, support_path("nowhere"), 0), SCH_ERROR_IO,
                 "nowhere: cannot open: No such file");
}

/* ---------------------------------------------------------------- older files */

static void older_files_get_the_next_number(void **unused) {
    (void)unused;
    char path[512], *name = NULL;
    snprintf(path, sizeof path, "%s", support_path("older.xyz")); /* support_path keeps few */
    assert_ok(sch_set_aside(path, &name));                        /* there is none */
    assert_null(name);
    support_file("older.xyz", "");
    assert_ok(sch_set_aside(path, &name)); /* it is empty */
    assert_null(name);
    for (int number = 1; number < 4; number++) {
        char content[8], expected[32];
        snprintf(content, sizeof content, "run %d\n", number);
        snprintf(expected, sizeof expected, "#older.xyz.%d#", number);
        support_file("older.xyz", content);
        assert_ok(sch_set_aside(path, &name));
        assert_string_equal(name, support_path(expected));
        assert_content(name, content);
        assert_int_equal(size_of(path), -1);
        free(name);
    }
    for (int number = 1; number < 100; number++) {
        char other[32];
        snprintf(other, sizeof other, "#older.xyz.%d#", number);
        support_file(other, "x");
    }
    support_file("older.xyz", "the last\n");
    assert_fails(sch_set_aside(path, &name), SCH_ERROR_IO, "99 older files of this name");
    assert_content(path, "the last\n");
}

static void what_is_no_file_of_its_own_keeps_its_name(void **unused) {
    (void)unused;
    char *name = NULL;
    const char *link = support_path("to older"), *target = support_file("behind", "old\n");
    assert_ok(sch_set_aside("/dev/null", &name));
    assert_null(name);
    assert_ok(sch_set_aside("/dev/stdout", &name));
    assert_null(name);
    assert_ok(sch_set_aside(support_folder(), &name));
    assert_null(name);
    assert_int_equal(symlink("behind", link), 0);
    assert_ok(sch_set_aside(link, &name)); /* the link stays, its target is renamed */
    assert_non_null(strstr(name, "/#behind.1#"));
    assert_int_equal(size_of(target), -1);
    free(name);
    assert_ok(sch_write_file(link, "new\n", 4)); /* through the link, again */
    assert_content(target, "new\n");
}

static void a_new_file_is_whole_before_an_older_one_goes(void **unused) {
    (void)unused;
    char path[512], *older = NULL;
    snprintf(path, sizeof path, "%s", support_file("summary", "old\n"));
    support_limit_file_size(4);
    assert_fails(sch_write_file_keeping(path, "much longer\n", 12, &older), SCH_ERROR_IO,
                 "summary: cannot write: File too large");
    support_limit_file_size(0);
    assert_null(older);
    assert_content(path, "old\n");
    assert_ok(sch_write_file_keeping(path, "much longer\n", 12, &older));
    assert_string_equal(older, support_path("#summary.1#"));
    assert_content(older, "old\n");
    assert_content(path, "much longer\n");
    free(older);
}

/* ---------------------------------------------------------------- texts */

static void texts_are_made_printable(void **unused) {
    (void)unused;
    static const char *const pairs[][2] = {
        {"plain, \u00e5 \u4e2d \U0001f600", "plain, \u00e5 \u4e2d \U0001f600"},
        {"\x1b[2J\n\r\t\x7f", "?[2J????"},
        {"\xc2\x9b"
         "2J \x9b"
         "2J \xc2\xa0",
         "?2J ?2J \u00a0"},
        {"\u202ea\u202cb\u2066c\u2069d\u200e\u200f\u061c\u2028\u2029", "?a?b?c?d?????"},
        {"\xff\xc0\x80\xe2\x80", "?????"},             /* no UTF-8, and an end in its midst */
        {"\xed\xa0\x80 \xf5\x80\x80\x80", "??? ????"}, /* a surrogate, too large a number */
        {"", ""},
    };
    char text[64];
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        assert_int_equal(sch_printable(pairs[k][0], text, sizeof text), strlen(pairs[k][1]));
        assert_string_equal(text, pairs[k][1]);
        strcpy(text, pairs[k][0]);
        sch_printable(text, text, sizeof text);
        assert_string_equal(text, pairs[k][1]);
    }
    assert_int_equal(sch_printable("a\u00e5", NULL, 0), 3);
    assert_int_equal(sch_printable("a\u00e5z", text, 3), 4); /* not half a character */
    assert_string_equal(text, "a");
    set_message("%s: \x1b[2J\u202e%s", "a\nb", "\x9b");
    assert_string_equal(sch_last_error(), "a?b: ?[2J??");
}

static void texts_are_made_valid(void **unused) {
    (void)unused;
    char text[16];
    assert_int_equal(sch_valid_utf8("a\xe9\n\u00e9", text, sizeof text), 7);
    assert_string_equal(text, "a\ufffd\n\u00e9");
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
        cmocka_unit_test(a_file_is_locked_while_it_is_open),
        cmocka_unit_test(a_child_does_not_keep_the_lock),
        cmocka_unit_test(a_name_is_held),
        cmocka_unit_test(a_name_that_was_left_is_free),
        cmocka_unit_test(a_file_that_was_removed_or_replaced_is_told_of),
        cmocka_unit_test(a_file_is_extended),
        cmocka_unit_test(older_files_get_the_next_number),
        cmocka_unit_test(what_is_no_file_of_its_own_keeps_its_name),
        cmocka_unit_test(a_new_file_is_whole_before_an_older_one_goes),
        cmocka_unit_test(texts_are_made_printable),
        cmocka_unit_test(texts_are_made_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
