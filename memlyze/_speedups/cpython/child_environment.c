#include "child_environment.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define PYTHONPATH "PYTHONPATH"
#define PRELOAD "LD_PRELOAD"
#define RECORD "MEMLYZE_RECORD"
/* An option as in memlyze/handover.py: the last one, and raw. */
#define ORIGINAL_PYTHONPATH "\x1foriginal_pythonpath=r:"

#if defined(__APPLE__)
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

/* The variable that is put in front of, besides MEMLYZE_RECORD. */
static const char *variable_of(ml_program_kind kind)
{
    return kind == ML_PROGRAM_PYTHON ? PYTHONPATH : PRELOAD;
}

/* The values of the two variables for a program whose own value of the first is `own` (NULL: none).
 * As bytes, each after its name where it is to have one. */
static bool make_values(const ml_child_variables *variables, ml_program_kind kind, const char *own,
                        bool with_names, PyObject *values[2])
{
    const bool is_python = kind == ML_PROGRAM_PYTHON;
    /* An empty part of PYTHONPATH would be the working directory. */
    const bool has_own = own && (*own || !is_python);
    values[0] =
        PyBytes_FromFormat("%s%s%s%s%s", with_names ? variable_of(kind) : "", with_names ? "=" : "",
                           is_python ? variables->startup_folder : variables->shim,
                           has_own ? ":" : "", has_own ? own : "");
    values[1] = PyBytes_FromFormat("%s%s%s%s", with_names ? RECORD "=" : "", variables->record,
                                   is_python && own ? ORIGINAL_PYTHONPATH : "",
                                   is_python && own ? own : "");
    return values[0] && values[1];
}

/* Of b"NAME=value": the value when this is the variable, else NULL. */
static const char *value_of(const char *item, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(item, name, length) == 0 && item[length] == '=' ? item + length + 1 : NULL;
}

static bool append(PyObject *list, PyObject *item)
{
    const bool done = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return done;
}

/* The process's own environment as os.environ would not show it where C code has changed it. */
static PyObject *own_environment(void)
{
    PyObject *list = PyList_New(0);
    for (char **item = environ; list && item && *item; item++)
        if (strchr(*item, '=') && !append(list, PyBytes_FromString(*item)))
            Py_CLEAR(list);
    return list;
}

PyObject *ml_child_environment_list(PyObject *items, ml_program_kind kind,
                                    const ml_child_variables *variables)
{
    PyObject *all = items == Py_None ? own_environment() : PySequence_List(items);
    PyObject *changed = all ? PyList_New(0) : NULL;
    PyObject *values[2] = {NULL, NULL};
    const char *own = NULL;
    Py_ssize_t place = -1; /* variables stay in their order */
    bool good = changed != NULL;
    for (Py_ssize_t i = 0; good && i < PyList_GET_SIZE(all); i++) {
        PyObject *item = PyList_GET_ITEM(all, i);
        if (!PyBytes_Check(item)) {
            good = false;
            break;
        }
        if (value_of(PyBytes_AS_STRING(item), RECORD))
            continue;
        const char *value = value_of(PyBytes_AS_STRING(item), variable_of(kind));
        if (value && !own) {
            own = value;
            place = PyList_GET_SIZE(changed);
        }
        good = PyList_Append(changed, item) == 0;
    }
    good = good && make_values(variables, kind, own, true, values) &&
           (own ? PySequence_SetItem(changed, place, values[0])
                : PyList_Append(changed, values[0])) == 0 &&
           PyList_Append(changed, values[1]) == 0;
    Py_XDECREF(values[0]);
    Py_XDECREF(values[1]);
    Py_XDECREF(all);
    if (!good)
        Py_CLEAR(changed);
    return changed;
}

/* A dict of all but the two variables; the program's own value of `variable` in *own. */
static bool copy_others(PyObject *keys, PyObject *values, const char *variable, PyObject *copy,
                        PyObject **own)
{
    const Py_ssize_t count = PyList_GET_SIZE(keys);
    if (PyList_GET_SIZE(values) != count)
        return false;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key = NULL;
        if (!PyUnicode_FSConverter(PyList_GET_ITEM(keys, i), &key))
            return false;
        bool good = true;
        if (strcmp(PyBytes_AS_STRING(key), variable) == 0) {
            Py_CLEAR(*own);
            good = PyUnicode_FSConverter(PyList_GET_ITEM(values, i), own);
        }
        if (good && strcmp(PyBytes_AS_STRING(key), RECORD) != 0)
            good = PyDict_SetItem(copy, key, PyList_GET_ITEM(values, i)) == 0;
        Py_DECREF(key);
        if (!good)
            return false;
    }
    return true;
}

static PyObject *mapping_of(PyObject *list)
{
    PyObject *dict = list ? PyDict_New() : NULL;
    for (Py_ssize_t i = 0; dict && i < PyList_GET_SIZE(list); i++) {
        const char *item = PyBytes_AS_STRING(PyList_GET_ITEM(list, i));
        const char *equals = strchr(item, '=');
        PyObject *key = PyBytes_FromStringAndSize(item, equals - item);
        PyObject *value = PyBytes_FromString(equals + 1);
        if (!key || !value || PyDict_SetItem(dict, key, value) != 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    Py_XDECREF(list);
    return dict;
}

PyObject *ml_child_environment_mapping(PyObject *mapping, ml_program_kind kind,
                                       const ml_child_variables *variables)
{
    if (mapping == Py_None)
        return mapping_of(ml_child_environment_list(mapping, kind, variables));
    PyObject *keys = NULL, *values = NULL, *own = NULL, *ours[2] = {NULL, NULL};
    PyObject *copy = PyDict_New();
    bool good = copy && PyMapping_Check(mapping) && (keys = PyMapping_Keys(mapping)) &&
                (values = PyMapping_Values(mapping)) && PyList_Check(keys) &&
                PyList_Check(values) && copy_others(keys, values, variable_of(kind), copy, &own) &&
                make_values(variables, kind, own ? PyBytes_AS_STRING(own) : NULL, false, ours);
    PyObject *names[2] = {good ? PyBytes_FromString(variable_of(kind)) : NULL,
                          good ? PyBytes_FromString(RECORD) : NULL};
    for (int i = 0; i < 2; i++) {
        good = good && names[i] && PyDict_SetItem(copy, names[i], ours[i]) == 0;
        Py_XDECREF(names[i]);
        Py_XDECREF(ours[i]);
    }
    Py_XDECREF(keys);
    Py_XDECREF(values);
    Py_XDECREF(own);
    if (!good)
        Py_CLEAR(copy);
    return copy;
}
