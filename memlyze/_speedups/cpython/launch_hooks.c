/* These functions are hooked where they are kept: in the method definitions of CPython's own
 * modules. So it matters neither what names the program has given them nor when it looked them up,
 * and the function objects are the same as ever. */
#include "launch_hooks.h"

#include "checkpoint.h"
#include "child_environment.h"
#include "launch_arguments.h"

#include "../core/fatal_signals.h"
#include "../core/helper_thread.h"
#include "../launch/shell_command.h"
#include "allocator_hooks.h"

#include <stdbool.h>
#include <string.h>

/* How CPython calls a function: as it says in its definition. */
typedef PyObject *(*fast_function)(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *(*keyword_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static struct {
    const char *module, *name;
    PyMethodDef *definition;
    PyCFunction original; /* NULL: not hooked */
} functions[ML_CALLS] = {
    [ML_CALL_EXIT] = {.module = "posix", .name = "_exit"},
    [ML_CALL_EXECV] = {.module = "posix", .name = "execv"},
    [ML_CALL_EXECVE] = {.module = "posix", .name = "execve"},
    [ML_CALL_SPAWN] = {.module = "posix", .name = "posix_spawn"},
    [ML_CALL_SPAWNP] = {.module = "posix", .name = "posix_spawnp"},
    [ML_CALL_SYSTEM] = {.module = "posix", .name = "system"},
    [ML_CALL_FORK_EXEC] = {.module = "_posixsubprocess", .name = "fork_exec"},
    [ML_CALL_SIGNAL] = {.module = "_signal", .name = "signal"},
};

/* Not objects: another interpreter has another GIL. */
static char record_text[16000], startup_folder_text[4096], shim_text[4096];
static const ml_child_variables variables = {record_text, startup_folder_text, shim_text};
static _Atomic bool follows;

/* Within _posixsubprocess.fork_exec, whose child may run handlers of forks and the program's
 * preexec_fn. Under the GIL. */
static bool is_starting;

static PyObject *call_original(ml_launch_call function, PyObject *self, PyObject *const *arguments,
                               Py_ssize_t count, PyObject *names)
{
    const PyCFunction original = functions[function].original;
    const int flags = functions[function].definition->ml_flags;
    if (flags & METH_FASTCALL) {
        if (flags & METH_KEYWORDS)
            return ((keyword_function)(void (*)(void))original)(self, arguments, count, names);
        return ((fast_function)(void (*)(void))original)(self, arguments, count);
    }
    PyObject *tuple = PyTuple_New(count);
    if (!tuple)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(arguments[i]);
        PyTuple_SET_ITEM(tuple, i, arguments[i]);
    }
    PyObject *result = original(self, tuple);
    Py_DECREF(tuple);
    return result;
}

#define MOST_VALUES 64

static PyObject *start_program(ml_launch_call function, PyObject *self, PyObject *const *arguments,
                               Py_ssize_t count, PyObject *names)
{
    PyObject *values[MOST_VALUES + 1], *environment = NULL;
    const Py_ssize_t all = count + (names ? PyTuple_GET_SIZE(names) : 0);
    Py_ssize_t place = -1;
    if (follows && all <= MOST_VALUES) {
        memcpy(values, arguments, (size_t)all * sizeof *values);
        values[all] = Py_None;   /* what os.execv leaves out */
        ml_hooks_pause_thread(); /* what this allocates is not the program's */
        ml_program_kind kind;
        place = ml_find_environment(function, values, count, names, &kind);
        if (kind == ML_PROGRAM_OTHER || (kind == ML_PROGRAM_LAUNCHER && !shim_text[0]))
            place = -1;
        if (place >= 0)
            environment = function == ML_CALL_FORK_EXEC
                              ? ml_child_environment_list(values[place], kind, &variables)
                              : ml_child_environment_mapping(values[place], kind, &variables);
        ml_hooks_resume_thread();
    }
    if (PyErr_Occurred()) {
        /* What is wrong with the arguments the function itself says best. Anything else, as when
         * the program is interrupted while its mapping is asked, would have come from there too. */
        if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError) &&
            !PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
    }
    if (function == ML_CALL_EXECV || function == ML_CALL_EXECVE)
        ml_helper_write_ending("exec");
    if (!environment)
        return call_original(function, self, arguments, count, names);
    values[place] = environment;
    PyObject *result;
    if (function == ML_CALL_EXECV && count == 2) {
        call_original(ML_CALL_EXECVE, self, values, 3, NULL);
        PyErr_Clear(); /* what is wrong is said in another way by the function that was called */
        result = call_original(ML_CALL_EXECV, self, arguments, count, names);
    } else {
        result = call_original(function, self, values, count, names);
    }
    Py_DECREF(environment);
    return result;
}

bool ml_launch_hooks_is_starting(void)
{
    return is_starting;
}

/* The shell that os.system starts takes its environment from the process, which nobody may change
 * while it runs. */
static PyObject *run_command(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                             PyObject *names)
{
    PyObject *command = NULL, *environment = NULL, *result = NULL;
    ml_hooks_pause_thread(); /* what this allocates is not the program's */
    const Py_ssize_t place = ml_find_argument(0, "command", count, names);
    if (follows && shim_text[0] && place == 0 &&
        count + (names ? PyTuple_GET_SIZE(names) : 0) == 1 &&
        ml_program_kind_of(ML_SHELL, NULL) == ML_PROGRAM_LAUNCHER &&
        PyUnicode_FSConverter(arguments[0], &command))
        environment = ml_child_environment_list(Py_None, ML_PROGRAM_LAUNCHER, &variables);
    const Py_ssize_t variable_count = environment ? PyList_GET_SIZE(environment) : 0;
    char **array = environment ? PyMem_Malloc(((size_t)variable_count + 1) * sizeof *array) : NULL;
    ml_hooks_resume_thread();
    if (!array) {
        PyErr_Clear();
        result = call_original(ML_CALL_SYSTEM, self, arguments, count, names);
    } else if (PySys_Audit("os.system", "(O)", command) == 0) {
        for (Py_ssize_t i = 0; i < variable_count; i++)
            array[i] = PyBytes_AS_STRING(PyList_GET_ITEM(environment, i));
        array[variable_count] = NULL;
        int status;
        Py_BEGIN_ALLOW_THREADS status = ml_run_shell_command(PyBytes_AS_STRING(command), array);
        Py_END_ALLOW_THREADS result = PyLong_FromLong(status);
    }
    PyMem_Free(array);
    Py_XDECREF(environment);
    Py_XDECREF(command);
    return result;
}

static PyObject *hook(ml_launch_call function, PyObject *self, PyObject *const *arguments,
                      Py_ssize_t count, PyObject *names)
{
    if (atomic_load(&ml_session) == 0)
        return call_original(function, self, arguments, count, names);
    if (function == ML_CALL_SYSTEM)
        return run_command(self, arguments, count, names);
    if (function == ML_CALL_FORK_EXEC) {
        const bool before = is_starting;
        is_starting = true;
        PyObject *result = start_program(function, self, arguments, count, names);
        is_starting = before;
        return result;
    }
    if (function == ML_CALL_SIGNAL) {
        PyObject *result = call_original(function, self, arguments, count, names);
        ml_fatal_signals_watch(); /* the program may have brought back the default */
        return result;
    }
    if (function != ML_CALL_EXIT)
        return start_program(function, self, arguments, count, names);
    ml_checkpoint_exit();
    ml_helper_write_ending("_exit");
    return call_original(function, self, arguments, count, names);
}

/* A definition has room for a function and for nothing that would tell it which one it stands for.
 */
#define DEFINE_HOOK(function)                                                                      \
    static PyObject *function##_plain(PyObject *self, PyObject *arguments)                         \
    {                                                                                              \
        PyObject *const *items = ((PyTupleObject *)arguments)->ob_item;                            \
        return hook(function, self, items, PyTuple_GET_SIZE(arguments), NULL);                     \
    }                                                                                              \
    static PyObject *function##_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count) \
    {                                                                                              \
        return hook(function, self, arguments, count, NULL);                                       \
    }                                                                                              \
    static PyObject *function##_keywords(PyObject *self, PyObject *const *arguments,               \
                                         Py_ssize_t count, PyObject *names)                        \
    {                                                                                              \
        return hook(function, self, arguments, count, names);                                      \
    }
DEFINE_HOOK(ML_CALL_EXIT)
DEFINE_HOOK(ML_CALL_EXECV)
DEFINE_HOOK(ML_CALL_EXECVE)
DEFINE_HOOK(ML_CALL_SPAWN)
DEFINE_HOOK(ML_CALL_SPAWNP)
DEFINE_HOOK(ML_CALL_SYSTEM)
DEFINE_HOOK(ML_CALL_FORK_EXEC)
DEFINE_HOOK(ML_CALL_SIGNAL)

/* By how CPython calls it: with a tuple, with an array, with an array and keywords. */
#define HOOKS_OF(function)                                                                         \
    [function] = {function##_plain, (PyCFunction)(void (*)(void))function##_fast,                  \
                  (PyCFunction)(void (*)(void))function##_keywords}
static const PyCFunction hooks[ML_CALLS][3] = {
    HOOKS_OF(ML_CALL_EXIT),      HOOKS_OF(ML_CALL_EXECV),  HOOKS_OF(ML_CALL_EXECVE),
    HOOKS_OF(ML_CALL_SPAWN),     HOOKS_OF(ML_CALL_SPAWNP), HOOKS_OF(ML_CALL_SYSTEM),
    HOOKS_OF(ML_CALL_FORK_EXEC), HOOKS_OF(ML_CALL_SIGNAL)};

static void hook_function(ml_launch_call function, PyObject *object)
{
    if (Py_TYPE(object) != &PyCFunction_Type)
        return; /* the program has put something of its own there */
    PyMethodDef *definition = ((PyCFunctionObject *)object)->m_ml;
    PyCFunction ours;
    switch (definition->ml_flags) {
    case METH_VARARGS:
        ours = hooks[function][0];
        break;
    case METH_FASTCALL:
        ours = hooks[function][1];
        break;
    case METH_FASTCALL | METH_KEYWORDS:
        ours = hooks[function][2];
        break;
    default:
        return;
    }
    functions[function].definition = definition;
    functions[function].original = definition->ml_meth;
    definition->ml_meth = ours;
}

int ml_launch_hooks_install(void)
{
    for (int function = 0; function < ML_CALLS; function++) {
        if (functions[function].original)
            continue;
        PyObject *module = PyImport_ImportModule(functions[function].module);
        PyObject *object = module ? PyObject_GetAttrString(module, functions[function].name) : NULL;
        if (object)
            hook_function((ml_launch_call)function, object);
        else if (PyErr_ExceptionMatches(PyExc_ImportError) ||
                 PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear(); /* this system has no such function */
        Py_XDECREF(object);
        Py_XDECREF(module);
        if (PyErr_Occurred())
            return -1;
    }
    return 0;
}

bool ml_launch_hooks_follow(const char *record, const char *startup_folder, const char *shim)
{
    follows = false;
    if (!record)
        return true;
    if (strlen(record) >= sizeof record_text ||
        strlen(startup_folder) >= sizeof startup_folder_text || strlen(shim) >= sizeof shim_text)
        return false;
    strcpy(record_text, record);
    strcpy(startup_folder_text, startup_folder);
    strcpy(shim_text, shim);
    follows = true;
    return true;
}
