/* fstat and fstatfs ask the server too. So it is the mount of each descriptor, which the kernel
 * tells of its own knowledge, that is looked up in its list of mounts. */
#include "flushed_files.h"

#if defined(__linux__)

#include "descriptor_listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More are not looked at: at one or two microseconds for each, every fork takes longer. */
#define MOST_FILES 4096

/* File systems with a flush operation. Not here: 9p, which has none; and overlay, which hands it on
 * to the layers, because in a container every file is in one. */
static const char *const flushing_types[] = {
    "mqueue", "fuse", "fuseblk", "virtiofs", "nfs",    "nfs4",     "cifs",     "smb3",     "ceph",
    "afs",    "coda", "lustre",  "beegfs",   "vmhgfs", "orangefs", "ecryptfs", "configfs",
};
/* Drivers with one: effects of force feedback are erased, the graphics processor is waited for. */
static const char *const flushing_devices[] = {"/dev/input/", "/dev/dri/", "/dev/cdc-wdm"};
/* Harmless in a mount that is not in sight either: one of the kernel's own, or of whoever started
 * the program, as a service manager does that then gives it mounts of its own. What is not here may
 * be a message queue, or in a file system that was unmounted while in use. */
static const char *const harmless_names[] = {"/memfd:",   "/dmabuf:", "/dev/null",
                                             "/dev/pts/", "/dev/tty", "/dev/console"};

#define STARTS_WITH_ONE_OF(names, text) starts_with(names, sizeof(names) / sizeof *(names), text)

static bool starts_with(const char *const *names, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

/* Without the subtype, as in fuse.sshfs. */
static bool is_flushing_type(char *type)
{
    type[strcspn(type, ".")] = 0;
    for (size_t i = 0; i < sizeof flushing_types / sizeof *flushing_types; i++) {
        if (strcmp(type, flushing_types[i]) == 0)
            return true;
    }
    return false;
}

/* A line is "36 35 98:0 /root /point options tag:1 tag:2 - type source options", of any length. */
bool ml_file_mounts_may_flush(const ml_file_mounts *files, int mountinfo)
{
    enum { ID, TAGS, TYPE, REST } part = ID;
    bool listed[ML_MOST_MOUNTS] = {false}, is_wanted = false;
    char text[4096], word[32]; /* longer words are cut, and are none that is looked for */
    size_t length = 0;
    ssize_t bytes;
    while ((bytes = read(mountinfo, text, sizeof text)) > 0) {
        for (ssize_t at = 0; at < bytes; at++) {
            if (text[at] != ' ' && text[at] != '\n') {
                if (length < sizeof word - 1)
                    word[length++] = text[at];
                continue;
            }
            word[length] = 0;
            length = 0;
            if (part == ID) {
                is_wanted = false;
                for (unsigned i = 0; i < files->count; i++) {
                    if (files->mounts[i].id == atoi(word))
                        listed[i] = is_wanted = true;
                }
                part = TAGS;
            } else if (part == TAGS && strcmp(word, "-") == 0) {
                part = TYPE;
            } else if (part == TYPE) {
                if (is_wanted && is_flushing_type(word))
                    return true;
                part = REST;
            }
            if (text[at] == '\n')
                part = ID;
        }
    }
    for (unsigned i = 0; i < files->count; i++) {
        if (files->mounts[i].must_be_listed && !listed[i])
            return true;
    }
    return bytes < 0;
}

/* The kernel's struct statx; many headers are older than the last of these members. */
typedef struct {
    uint32_t mask, others[6];
    uint16_t mode, other;
    uint64_t more[14], mount, space[13];
} file_status;

/* Of an open descriptor of the calling thread, without asking the file's server. False: this kernel
 * does not tell the mount. Such a one might ask; so the first to be tried must be a harmless file.
 */
static bool get_status(int number, file_status *status)
{
#if defined(SYS_statx)
    enum { EMPTY_PATH = 0x1000, DONT_SYNC = 0x4000, TYPE = 1, MOUNT = 0x1000 };
    _Static_assert(sizeof *status == 256 && offsetof(file_status, mount) == 144, "as the kernel's");
    return syscall(SYS_statx, number, "", EMPTY_PATH | DONT_SYNC, TYPE | MOUNT, status) == 0 &&
           (status->mask & MOUNT);
#else
    (void)number, (void)status;
    return false;
#endif
}

/* The same at several times the price: what is opened in /proc has to be made there first. */
static int mount_by_proc(int listing, const char *number)
{
    char path[32] = "../fdinfo/", text[256];
    strncat(path, number, sizeof path - strlen(path) - 1);
    const int info = openat(listing, path, O_RDONLY | O_CLOEXEC);
    if (info < 0)
        return -1;
    const ssize_t bytes = read(info, text, sizeof text - 1);
    close(info);
    text[bytes < 0 ? 0 : bytes] = 0;
    const char *id = strstr(text, "\nmnt_id:");
    return id ? atoi(id + strlen("\nmnt_id:")) : -1;
}

/* Its place, or the next free one. */
static unsigned find_mount(const ml_file_mounts *files, int id)
{
    unsigned i = 0;
    while (i < files->count && files->mounts[i].id != id)
        i++;
    return i;
}

/* True: one that is flushed, or may be; or there is no room for its mount. */
static bool may_flush(int listing, const char *number, bool by_status, ml_file_mounts *files)
{
    file_status status = {.mode = 0};
    if (by_status) {
        if (!get_status(atoi(number), &status))
            return errno != EBADF; /* closed in the meantime */
        if (S_ISSOCK(status.mode) || S_ISFIFO(status.mode))
            return false;
        const unsigned i = find_mount(files, (int)status.mount);
        if (i < files->count && files->mounts[i].must_be_listed && S_ISREG(status.mode))
            return false; /* its name would not change anything */
    }
    char name[64];
    const ssize_t length = readlinkat(listing, number, name, sizeof name - 1);
    if (length < 0)
        return errno != ENOENT;
    name[length] = 0;
    if (name[0] != '/') /* a pipe, or another of the kernel's objects */
        return false;
    const int mount = by_status ? (int)status.mount : mount_by_proc(listing, number);
    if (mount < 0 || STARTS_WITH_ONE_OF(flushing_devices, name))
        return true;
    const unsigned i = find_mount(files, mount);
    if (i == ML_MOST_MOUNTS)
        return true;
    if (i == files->count)
        files->mounts[files->count++].must_be_listed = false;
    files->mounts[i].id = mount;
    files->mounts[i].must_be_listed |= !STARTS_WITH_ONE_OF(harmless_names, name);
    return false;
}

bool ml_flushed_files_may_be_open(pid_t thread, bool is_shared, int except)
{
    ml_descriptor_listing listing;
    file_status status;
    if (!ml_descriptor_listing_open(&listing, thread))
        return true;
    const bool by_status = is_shared && get_status(listing.directory, &status);
    ml_file_mounts files = {.count = 0};
    unsigned looked_at = 0;
    bool found = false;
    const char *number;
    while (!found && (number = ml_descriptor_listing_next(&listing))) {
        if (atoi(number) != except)
            found =
                ++looked_at > MOST_FILES || may_flush(listing.directory, number, by_status, &files);
    }
    const int mountinfo = openat(listing.directory, "../mountinfo", O_RDONLY | O_CLOEXEC);
    found = found || listing.bytes < 0 || ml_file_mounts_may_flush(&files, mountinfo);
    if (mountinfo >= 0)
        close(mountinfo);
    close(listing.directory);
    return found;
}

#endif
