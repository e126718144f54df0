#include "program_kind.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <elf.h>
#include <link.h>
#endif

#define MOST_INTERPRETERS 4
#define MOST_SEGMENTS 64

static const char *const launchers[] = {"sh",    "ash",   "bash",   "dash",    "ksh",      "mksh",
                                        "zsh",   "env",   "nice",   "nohup",   "timeout",  "setsid",
                                        "xargs", "find",  "time",   "stdbuf",  "taskset",  "chrt",
                                        "make",  "gmake", "ionice", "busybox", "coreutils"};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* python, python3, python3.12, python3.13t */
static bool is_python_name(const char *name)
{
    if (strncmp(name, "python", 6) != 0)
        return false;
    for (name += 6; isdigit((unsigned char)*name) || *name == '.'; name++)
        ;
    return *name == 0 || strcmp(name, "t") == 0 || strcmp(name, "d") == 0;
}

static bool is_launcher_name(const char *name)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (strcmp(name, launchers[i]) == 0)
            return true;
    return false;
}

/* ---- who loads a program
 * ----------------------------------------------------------------------------- */

#if defined(__linux__)

/* The path of the dynamic loader that an ELF file asks for; false: it asks for none. */
static bool read_loader(const char *path, char *loader, size_t loader_bytes)
{
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[MOST_SEGMENTS];
    bool found = false;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0)
        return false;
    const int own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    if (pread(file, &header, sizeof header, 0) == (ssize_t)sizeof header &&
        memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == own_class &&
        header.e_phentsize == sizeof *segments && header.e_phnum <= MOST_SEGMENTS) {
        const size_t bytes = header.e_phnum * sizeof *segments;
        const bool is_read = pread(file, segments, bytes, (off_t)header.e_phoff) == (ssize_t)bytes;
        for (int i = 0; is_read && i < header.e_phnum && !found; i++) {
            const size_t length = segments[i].p_filesz;
            if (segments[i].p_type != PT_INTERP || length == 0 || length > loader_bytes)
                continue;
            found = pread(file, loader, length, (off_t)segments[i].p_offset) == (ssize_t)length &&
                    loader[length - 1] == 0;
        }
    }
    close(file);
    return found;
}

/* Another loader would not find the shim's libraries, or not take it at all; and one that gives a
 * program rights that its user has not puts nothing in front of it. */
static bool has_own_loader(const char *path)
{
    char own[PATH_MAX], other[PATH_MAX];
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           !(status.st_mode & (S_ISUID | S_ISGID)) &&
           read_loader("/proc/self/exe", own, sizeof own) &&
           read_loader(path, other, sizeof other) && strcmp(own, other) == 0;
}

#else /* where there is no shim */

static bool has_own_loader(const char *path)
{
    (void)path;
    return false;
}

#endif

/* ---- kinds
 * ------------------------------------------------------------------------------------------- */

/* The next word of a line, cut out of it; NULL at its end. */
static char *next_word(char **line)
{
    *line += strspn(*line, " \t");
    if (**line == 0)
        return NULL;
    char *word = *line;
    *line += strcspn(*line, " \t");
    if (**line)
        *(*line)++ = 0;
    return word;
}

/* "#!/usr/bin/python3 -B", "#!/usr/bin/env -S python3 -B": the path or name of the interpreter, in
 * `line`; NULL: there is no such line. */
static const char *read_interpreter(const char *path, char *line, size_t line_bytes)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0)
        return NULL;
    const ssize_t bytes = read(file, line, line_bytes - 1);
    close(file);
    if (bytes < 3 || line[0] != '#' || line[1] != '!')
        return NULL;
    line[bytes] = 0;
    line[strcspn(line, "\r\n")] = 0;
    char *rest = line + 2;
    return next_word(&rest);
}

ml_program_kind ml_program_kind_of(const char *path, const char *folder)
{
    char joined[PATH_MAX], real[PATH_MAX], line[PATH_MAX];
    if (folder && *path != '/') {
        if (snprintf(joined, sizeof joined, "%s/%s", folder, path) >= (int)sizeof joined)
            return ML_PROGRAM_OTHER;
        path = joined;
    }
    if (access(path, X_OK) != 0)
        return ML_PROGRAM_OTHER;
    for (int i = 0; i < MOST_INTERPRETERS; i++) { /* a script's interpreter may be a script */
        const bool is_there = realpath(path, real) != NULL;
        if (is_python_name(last_part(path)) || (is_there && is_python_name(last_part(real))))
            return ML_PROGRAM_PYTHON;
        if (is_there && (is_launcher_name(last_part(path)) || is_launcher_name(last_part(real))))
            return has_own_loader(path) ? ML_PROGRAM_LAUNCHER : ML_PROGRAM_OTHER;
        path = read_interpreter(path, line, sizeof line);
        if (!path || snprintf(joined, sizeof joined, "%s", path) >= (int)sizeof joined)
            return ML_PROGRAM_OTHER;
        path = joined;
    }
    return ML_PROGRAM_OTHER;
}

ml_program_kind ml_program_kind_of_name(const char *name, const char *search_path)
{
    char path[PATH_MAX];
    if (strchr(name, '/'))
        return ml_program_kind_of(name, NULL);
    for (const char *at = search_path ? search_path : "/bin:/usr/bin";; at++) {
        const int length = (int)strcspn(at, ":");
        const int bytes =
            snprintf(path, sizeof path, "%.*s%s%s", length, at, length ? "/" : "", name);
        if (bytes < (int)sizeof path && access(path, X_OK) == 0)
            return ml_program_kind_of(path, NULL);
        at += length;
        if (*at == 0)
            return ML_PROGRAM_OTHER;
    }
}

ml_python_argument ml_python_argument_of(const char *argument)
{
    if (argument[0] != '-' || argument[1] == 0 || strcmp(argument, "--") == 0)
        return ML_ARGUMENT_LAST;
    if (argument[1] == '-')
        return strcmp(argument, "--check-hash-based-pycs") == 0 ? ML_ARGUMENT_OPTION_OF_TWO
                                                                : ML_ARGUMENT_OPTION;
    for (argument++; *argument; argument++) {
        if (strchr("IES", *argument))
            return ML_ARGUMENT_ISOLATES;
        if (strchr("cm", *argument))
            return ML_ARGUMENT_LAST;
        if (strchr("XW", *argument))
            return argument[1] ? ML_ARGUMENT_OPTION : ML_ARGUMENT_OPTION_OF_TWO;
    }
    return ML_ARGUMENT_OPTION;
}
