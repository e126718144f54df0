/* Hands the recording on through programs that are no Python: shells, and what else only starts
 * other programs.
 *
 * A library of its own, which the dynamic loader puts in front of such a program (LD_PRELOAD). It
 * takes what it is handed over out of the environment, before the program looks there, and gives it
 * to the Pythons that the program starts, and to further programs of its kind. In between, and for
 * all others, the environment is as without it. It depends on nothing but the C library, and
 * allocates nothing: these calls are made in children of vfork. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "program_kind.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define PRELOAD "LD_PRELOAD="
#define PYTHONPATH "PYTHONPATH="
#define RECORD "MEMLYZE_RECORD="
/* An option as in memlyze/handover.py: the last one, and raw. */
#define ORIGINAL_PYTHONPATH "\x1foriginal_pythonpath=r:"
#define STARTUP_FOLDER "_startup" /* beside the folder that this library is in */
#define MOST_VARIABLES 8192
#define MOST_BYTES 32768

extern char **environ;

static int (*real_execve)(const char *, char *const *, char *const *);
static int (*real_execvpe)(const char *, char *const *, char *const *);
static int (*real_posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                               const posix_spawnattr_t *, char *const *, char *const *);
static int (*real_posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                                const posix_spawnattr_t *, char *const *, char *const *);

static char record[16384];      /* what is handed on; empty: nothing */
static char own_path[PATH_MAX]; /* of this library */
static char startup_folder[PATH_MAX];
static char other_preloads[MOST_BYTES]; /* the variable as it would be without this library */

/* ---- what this program was handed over
 * ----------------------------------------------------------------- */

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The folder above the one that the file is in. */
static bool find_startup_folder(void)
{
    size_t length = strlen(own_path);
    for (int parts = 2; parts > 0; parts--)
        while (length > 0 && own_path[--length] != '/')
            ;
    return snprintf(startup_folder, sizeof startup_folder, "%.*s/" STARTUP_FOLDER, (int)length,
                    own_path) < (int)sizeof startup_folder;
}

/* Takes this library out of the value of LD_PRELOAD. The variable as it is then; NULL: there would
 * be none. */
static char *without_own_path(char *variable)
{
    const char *value = variable + strlen(PRELOAD);
    const size_t length = strlen(own_path);
    if (strncmp(value, own_path, length) != 0 || (value[length] && value[length] != ':'))
        return variable;
    if (value[length] == 0)
        return NULL;
    if (snprintf(other_preloads, sizeof other_preloads, PRELOAD "%s", value + length + 1) >=
        (int)sizeof other_preloads)
        return variable;
    return other_preloads;
}

__attribute__((constructor)) static void begin(void)
{
    const int error = errno;
    Dl_info here;
    *(void **)&real_execve = dlsym(RTLD_NEXT, "execve");
    *(void **)&real_execvpe = dlsym(RTLD_NEXT, "execvpe");
    *(void **)&real_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
    *(void **)&real_posix_spawnp = dlsym(RTLD_NEXT, "posix_spawnp");
    if (dladdr((void *)(size_t)begin, &here) && here.dli_fname &&
        snprintf(own_path, sizeof own_path, "%s", here.dli_fname) < (int)sizeof own_path &&
        find_startup_folder() && environ) {
        char **kept = environ;
        for (char **variable = environ; *variable; variable++) {
            char *left = *variable;
            if (starts_with(left, RECORD)) {
                if (strlen(left) < sizeof record)
                    strcpy(record, left + strlen(RECORD));
                continue;
            }
            if (starts_with(left, PRELOAD))
                left = without_own_path(left);
            if (left)
                *kept++ = left;
        }
        *kept = NULL;
    }
    errno = error;
}

/* ---- what the programs are handed over that it starts
 * -------------------------------------------------- */

typedef struct {
    char *variables[MOST_VARIABLES + 3];
    char texts[2 * MOST_BYTES];
} environment;

static bool is_isolated(char *const arguments[])
{
    for (; arguments && arguments[0] && arguments[1]; arguments++)
        switch (ml_python_argument_of(arguments[1])) {
        case ML_ARGUMENT_ISOLATES:
            return true;
        case ML_ARGUMENT_LAST:
            return false;
        case ML_ARGUMENT_OPTION_OF_TWO:
            if (arguments[2])
                arguments++;
            break;
        case ML_ARGUMENT_OPTION:
            break;
        }
    return false;
}

/* Fills in an environment like `from` for a program of this kind; NULL: it does not fit. */
static char **hand_over(environment *to, ml_program_kind kind, char *const *from)
{
    const bool is_python = kind == ML_PROGRAM_PYTHON;
    const char *changed = is_python ? PYTHONPATH : PRELOAD;
    const char *own = NULL;
    size_t count = 0, place = SIZE_MAX;
    for (; from && *from; from++) {
        if (starts_with(*from, RECORD))
            continue;
        if (count == MOST_VARIABLES)
            return NULL;
        if (!own && starts_with(*from, changed)) {
            own = *from + strlen(changed);
            place = count;
        }
        to->variables[count++] = *from;
    }
    if (!own)
        place = count++;
    /* An empty part of PYTHONPATH would be the working directory. */
    const bool has_more = own && (*own || !is_python);
    const int bytes =
        snprintf(to->texts, MOST_BYTES, "%s%s%s%s", changed, is_python ? startup_folder : own_path,
                 has_more ? ":" : "", has_more ? own : "");
    const int more =
        snprintf(to->texts + MOST_BYTES, MOST_BYTES, RECORD "%s%s%s", record,
                 is_python && own ? ORIGINAL_PYTHONPATH : "", is_python && own ? own : "");
    if (bytes >= MOST_BYTES || more >= MOST_BYTES)
        return NULL;
    to->variables[place] = to->texts;
    to->variables[count++] = to->texts + MOST_BYTES;
    to->variables[count] = NULL;
    return to->variables;
}

/* The environment for the program at a path, or `found` in the PATH. */
static char *const *environment_for(environment *to, const char *program, bool is_searched,
                                    char *const *arguments, char *const *from)
{
    if (!record[0] || !program)
        return from;
    const int error = errno;
    const ml_program_kind kind = is_searched ? ml_program_kind_of_name(program, getenv("PATH"))
                                             : ml_program_kind_of(program, NULL);
    const bool is_followed =
        kind == ML_PROGRAM_LAUNCHER || (kind == ML_PROGRAM_PYTHON && !is_isolated(arguments));
    char *const *handed = is_followed ? hand_over(to, kind, from) : NULL;
    errno = error;
    return handed ? handed : from;
}

EXPORTED int execve(const char *path, char *const arguments[], char *const variables[])
{
    environment changed;
    return real_execve(path, arguments,
                       environment_for(&changed, path, false, arguments, variables));
}

EXPORTED int execv(const char *path, char *const arguments[])
{
    return execve(path, arguments, environ);
}

EXPORTED int execvpe(const char *name, char *const arguments[], char *const variables[])
{
    environment changed;
    return real_execvpe(name, arguments,
                        environment_for(&changed, name, true, arguments, variables));
}

EXPORTED int execvp(const char *name, char *const arguments[])
{
    return execvpe(name, arguments, environ);
}

EXPORTED int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *attributes, char *const arguments[],
                         char *const variables[])
{
    environment changed;
    return real_posix_spawn(child, path, actions, attributes, arguments,
                            environment_for(&changed, path, false, arguments, variables));
}

EXPORTED int posix_spawnp(pid_t *child, const char *name, const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attributes, char *const arguments[],
                          char *const variables[])
{
    environment changed;
    return real_posix_spawnp(child, name, actions, attributes, arguments,
                             environment_for(&changed, name, true, arguments, variables));
}
