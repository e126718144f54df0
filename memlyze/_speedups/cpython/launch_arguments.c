#include "launch_arguments.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

Py_ssize_t ml_find_argument(Py_ssize_t position, const char *name, Py_ssize_t count,
                            PyObject *names)
{
    if (position < count)
        return position;
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), name) == 0)
            return count + i;
    return -1;
}

static ml_program_kind kind_of(PyObject *path, const char *folder, bool is_searched)
{
    PyObject *bytes = NULL;
    if (PyLong_Check(path) || !PyUnicode_FSConverter(path, &bytes)) /* a descriptor; an error */
        return ML_PROGRAM_OTHER;
    const ml_program_kind kind =
        is_searched ? ml_program_kind_of_name(PyBytes_AS_STRING(bytes), getenv("PATH"))
                    : ml_program_kind_of(PyBytes_AS_STRING(bytes), folder);
    Py_DECREF(bytes);
    return kind;
}

/* Of the places at which a program is looked for, the first that there is decides. */
static ml_program_kind kind_of_first(PyObject *candidates, PyObject *folder)
{
    PyObject *folder_bytes = NULL;
    if (folder != Py_None && !PyUnicode_FSConverter(folder, &folder_bytes))
        return ML_PROGRAM_OTHER;
    const char *folder_text = folder_bytes ? PyBytes_AS_STRING(folder_bytes) : NULL;
    ml_program_kind kind = ML_PROGRAM_OTHER;
    const bool is_sequence = PyTuple_Check(candidates) || PyList_Check(candidates);
    for (Py_ssize_t i = 0; is_sequence && i < PySequence_Fast_GET_SIZE(candidates); i++) {
        PyObject *path = PySequence_Fast_GET_ITEM(candidates, i);
        kind = kind_of(path, folder_text, false);
        if (kind != ML_PROGRAM_OTHER ||
            (PyBytes_Check(path) && access(PyBytes_AS_STRING(path), X_OK) == 0))
            break;
    }
    Py_XDECREF(folder_bytes);
    return kind;
}

static bool is_isolated(PyObject *arguments)
{
    const bool is_sequence = PyTuple_Check(arguments) || PyList_Check(arguments);
    ml_python_argument argument = ML_ARGUMENT_OPTION;
    for (Py_ssize_t i = 1; is_sequence && i < PySequence_Fast_GET_SIZE(arguments); i++) {
        PyObject *bytes = NULL;
        if (argument == ML_ARGUMENT_OPTION_OF_TWO) {
            argument = ML_ARGUMENT_OPTION;
            continue;
        }
        if (!PyUnicode_FSConverter(PySequence_Fast_GET_ITEM(arguments, i), &bytes))
            return false;
        argument = ml_python_argument_of(PyBytes_AS_STRING(bytes));
        Py_DECREF(bytes);
        if (argument == ML_ARGUMENT_LAST || argument == ML_ARGUMENT_ISOLATES)
            break;
    }
    return argument == ML_ARGUMENT_ISOLATES;
}

/* Whether None stands for the environment of the process. */
static bool may_be_none(ml_launch_call call)
{
    return call == ML_CALL_FORK_EXEC || call == ML_CALL_EXECV ||
           (PY_VERSION_HEX >= 0x030d0000 && call != ML_CALL_EXECVE);
}

Py_ssize_t ml_find_environment(ml_launch_call call, PyObject *const *values, Py_ssize_t count,
                               PyObject *names, ml_program_kind *kind)
{
    enum { CANDIDATES = 1, FOLDER = 4, ENVIRONMENT = 5 }; /* of _posixsubprocess.fork_exec */
    Py_ssize_t place = ENVIRONMENT;
    *kind = ML_PROGRAM_OTHER;
    if (call == ML_CALL_FORK_EXEC) {
        if (count > ENVIRONMENT)
            *kind = kind_of_first(values[CANDIDATES], values[FOLDER]);
    } else {
        const Py_ssize_t path = ml_find_argument(0, "path", count, names);
        place = call == ML_CALL_EXECV ? count : ml_find_argument(2, "env", count, names);
        if (path >= 0)
            *kind = kind_of(values[path], NULL, call == ML_CALL_SPAWNP);
    }
    const Py_ssize_t arguments =
        call == ML_CALL_FORK_EXEC ? 0 : ml_find_argument(1, "argv", count, names);
    if (*kind == ML_PROGRAM_PYTHON && (arguments < 0 || is_isolated(values[arguments])))
        *kind = ML_PROGRAM_OTHER;
    if (place >= 0 && !may_be_none(call) && values[place] == Py_None)
        return -1; /* what took its place would make it right */
    return place;
}
