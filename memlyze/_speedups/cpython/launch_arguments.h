/* Which program a call of one of CPython's functions starts, by its arguments. */
#ifndef MEMLYZE_LAUNCH_ARGUMENTS_H
#define MEMLYZE_LAUNCH_ARGUMENTS_H

#include "compat.h"

#include "../launch/program_kind.h"

typedef enum {
    ML_CALL_EXIT,
    ML_CALL_EXECV,
    ML_CALL_EXECVE,
    ML_CALL_SPAWN,
    ML_CALL_SPAWNP,
    ML_CALL_SYSTEM,
    ML_CALL_FORK_EXEC,
    ML_CALL_SIGNAL,
    ML_CALLS
} ml_launch_call;

/* Where an argument is among the values, positional ones first; -1: it was not given. */
Py_ssize_t ml_find_argument(Py_ssize_t position, const char *name, Py_ssize_t count,
                            PyObject *names);
/* Where the environment is among the values (of execv: behind them), and what kind of program is
 * started with it; a Python that is told to ignore it is another program. -1: the call is wrong,
 * perhaps with an exception. */
Py_ssize_t ml_find_environment(ml_launch_call call, PyObject *const *values, Py_ssize_t count,
                               PyObject *names, ml_program_kind *kind);

#endif
