/* core/flushed_files.c against the mount lists of systems that are not at hand. */
#include "core/flushed_files.h"

#include "check.h"

#if defined(__linux__)

#include <string.h>
#include <unistd.h>

static const char usual[] =
    "21 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n"
    "30 27 0:35 / /home/a\\040-\\040nfs rw - btrfs nfs rw,subvol=/fuse\n";

/* Whether files in the mount are flushed, by a list with `line` in it. */
static bool may_flush(int mount, bool must_be_listed, const char *line)
{
    const ml_file_mounts files = {2, {{27, true}, {mount, must_be_listed}}};
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], usual, sizeof usual - 1) == sizeof usual - 1);
    CHECK(write(ends[1], line, strlen(line)) == (ssize_t)strlen(line));
    close(ends[1]);
    const bool result = ml_file_mounts_may_flush(&files, ends[0]);
    close(ends[0]);
    return result;
}

static void test_types_with_a_flush(void)
{
    static const char *const types[] = {"mqueue", "fuse", "fuse.sshfs", "fuseblk", "nfs",
                                        "nfs4",   "cifs", "smb3",       "ceph",    "virtiofs"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char line[100];
        snprintf(line, sizeof line, "40 27 0:40 / /mnt rw shared:7 - %s from rw\n", types[i]);
        CHECK(may_flush(40, true, line));
        CHECK(may_flush(40, false, line));
        CHECK(!may_flush(21, true, line)); /* nothing is open there */
    }
}

static void test_types_without(void)
{
    CHECK(!may_flush(21, true, ""));
    CHECK(!may_flush(30, true, "")); /* the words are there, in other places */
    CHECK(!may_flush(40, true, "40 27 0:40 / /mnt rw - fusectl from rw\n"));
    CHECK(!may_flush(40, true, "40 27 0:40 / /mnt rw - nfsd from rw\n"));
    CHECK(!may_flush(40, true, "40 27 0:40 / /mnt rw - overlay nfs rw,upperdir=/fuse\n"));
}

static void test_mount_that_is_not_listed(void)
{
    CHECK(may_flush(41, true, ""));
    CHECK(may_flush(2, true, ""));
    CHECK(!may_flush(41, false, ""));
}

static void test_line_that_is_longer_than_what_is_read_at_once(void)
{
    static char line[20000];
    for (size_t options = 1; options < 9000; options += 61) {
        int head = snprintf(line, sizeof line, "39 27 0:39 / /deep rw - overlay overlay rw,");
        memset(line + head, 'o', options);
        strcpy(line + head + options, "\n40 27 0:40 / /mnt rw - nfs4 from rw\n");
        CHECK(!may_flush(39, true, line));
        CHECK(may_flush(40, true, line));
    }
}

static void test_list_that_cannot_be_read(void)
{
    const ml_file_mounts files = {1, {{27, false}}};
    CHECK(ml_file_mounts_may_flush(&files, -1));
}

int main(void)
{
    test_types_with_a_flush();
    test_types_without();
    test_mount_that_is_not_listed();
    test_line_that_is_longer_than_what_is_read_at_once();
    test_list_that_cannot_be_read();
    return 0;
}

#else

int main(void)
{
    return 0;
}

#endif
