/* The environment of a Python that is to record itself, or of a program that is to hand this on:
 * with what `memlyze/_startup`, or the shim, needs to find in it, and takes out of it again. */
#ifndef MEMLYZE_CHILD_ENVIRONMENT_H
#define MEMLYZE_CHILD_ENVIRONMENT_H

#include "compat.h"

#include "../launch/program_kind.h"

typedef struct {
    const char *record;         /* for MEMLYZE_RECORD */
    const char *startup_folder; /* for PYTHONPATH: of a Python */
    const char *shim;           /* for LD_PRELOAD: of a program that starts others */
} ml_child_variables;

/* As a mapping, such as os.execve takes, or a sequence of bytes like b"NAME=value", such as
 * _posixsubprocess.fork_exec takes. None: the process's own environment. A new reference to a dict
 * or list; NULL, perhaps with an exception, where the environment makes no sense. */
PyObject *ml_child_environment_mapping(PyObject *mapping, ml_program_kind kind,
                                       const ml_child_variables *variables);
PyObject *ml_child_environment_list(PyObject *items, ml_program_kind kind,
                                    const ml_child_variables *variables);

#endif
