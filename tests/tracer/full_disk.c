/* Put in front of a program: a disk that gets full. Traces may take as many bytes together as the
 * file `room` beside them has, where there is one. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static off_t bytes_of_traces(void)
{
    off_t bytes = 0;
    DIR *folder = opendir(".");
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        struct stat status;
        if (strstr(entry->d_name, ".mlyze") && stat(entry->d_name, &status) == 0)
            bytes += status.st_size;
    }
    closedir(folder);
    return bytes;
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    struct stat room, status;
    if (stat("room", &room) == 0 && fstat(file, &status) == 0 &&
        bytes_of_traces() + at + (off_t)bytes - status.st_size > room.st_size) {
        errno = ENOSPC;
        return -1;
    }
    return real(file, data, bytes, at);
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off_t at)
{
    return pwrite(file, data, bytes, at);
}
