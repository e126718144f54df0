/* What holds objects from outside: modules, running functions, threads. */
#include "frame_variables.h"
#include "object_walk.h"

static void add_root(ml_walk *walk, PyObject *object, ml_graph_root root, const char *name,
                     const char *function, const char *file)
{
    if (!object || !ml_walk_meet(walk, object))
        return;
    ml_walk_waiting(walk);
    root.object = (uintptr_t)object;
    ml_graph_add_root(walk->graph, root, name, function, file);
}

static void add_modules(ml_walk *walk)
{
    PyObject *modules = PyImport_GetModuleDict(), *name, *module;
    Py_ssize_t at = 0;
    while (modules && PyDict_Check(modules) && PyDict_Next(modules, &at, &name, &module)) {
        if (!PyUnicode_Check(name))
            continue;
        ml_text_clear(&walk->text);
        ml_text_add_str(&walk->text, name, 200);
        /* The reference is that of sys.modules. */
        add_root(walk, module, (ml_graph_root){.kind = ML_ROOT_MODULE}, ml_text_end(&walk->text),
                 "", "");
    }
}

static void add_frame(ml_walk *walk, const ml_frame *frame, uint64_t os_thread_id)
{
    static ml_text function, file, name; /* under the GIL */
    const PyCodeObject *code = ml_frame_code(frame);
    ml_text_clear(&function);
    ml_text_clear(&file);
    ml_text_add_str(&function, ml_code_name(code), 200);
    ml_text_add_str(&file, code->co_filename, 1000);
    ml_text_end(&function);
    ml_text_end(&file);
    const int line = PyCode_Addr2Line((PyCodeObject *)code, (int)ml_frame_instruction(frame, code));
    ml_graph_root root = {.kind = ML_ROOT_LOCAL,
                          .line = line > 0 ? (uint32_t)line : 0,
                          .is_counted = ml_frame_holds_variables(frame),
                          .os_thread_id = os_thread_id};
    const Py_ssize_t count = ml_frame_variable_count(code);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = ml_frame_variable(frame, i);
        if (!value)
            continue;
        ml_text_clear(&name);
        ml_text_add_str(&name, ml_frame_variable_name(code, i), 200);
        add_root(walk, value, root, ml_text_end(&name), function.text, file.text);
    }
    root.kind = ML_ROOT_GLOBALS;
    root.is_counted = false;
    add_root(walk, frame->f_globals, root, "", function.text, file.text);
    if (frame->f_locals && frame->f_locals != frame->f_globals)
        add_root(walk, frame->f_locals, root, "", function.text, file.text);
}

static void add_thread(ml_walk *walk, PyThreadState *thread)
{
    const uint64_t os_thread_id = thread->thread_id;
    const ml_graph_root root = {
        .kind = ML_ROOT_THREAD, .is_counted = true, .os_thread_id = os_thread_id};
    add_root(walk, thread->dict, root, "thread-local data", "", "");
    add_root(walk, thread->context, root, "context variables", "", "");
    const _PyErr_StackItem *handled = thread->exc_info;
    if (handled)
        add_root(walk, handled->exc_value, root, "the exception that is handled", "", "");
    for (const ml_frame *frame = ml_frame_top(thread); frame; frame = ml_frame_previous(frame))
        if (!ml_frame_is_incomplete(frame))
            add_frame(walk, frame, os_thread_id);
}

void ml_walk_roots(ml_walk *walk)
{
    add_modules(walk);
    PyInterpreterState *interpreter = PyThreadState_Get()->interp;
    for (PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter); thread;
         thread = PyThreadState_Next(thread))
        add_thread(walk, thread);
}
