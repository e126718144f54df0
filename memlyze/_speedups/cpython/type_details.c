#include "type_details.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

#define DETAILS_BITS 6

/* What built-in objects refer to without a member that says so. */
static const struct {
    PyTypeObject *type;
    Py_ssize_t offset;
    const char *name;
} built_in_slots[] = {
    {&PyFunction_Type, offsetof(PyFunctionObject, func_code), "__code__"},
    {&PyFunction_Type, offsetof(PyFunctionObject, func_defaults), "__defaults__"},
    {&PyFunction_Type, offsetof(PyFunctionObject, func_kwdefaults), "__kwdefaults__"},
    {&PyCell_Type, offsetof(PyCellObject, ob_ref), "cell_contents"},
    {&PyCFunction_Type, offsetof(PyCFunctionObject, m_self), "__self__"},
    {&PyModule_Type, sizeof(PyObject), "__dict__"},
    {&PyType_Type, offsetof(PyTypeObject, tp_dict), "__dict__"},
    {&PyType_Type, offsetof(PyTypeObject, tp_mro), "__mro__"},
    {&PyType_Type, offsetof(PyTypeObject, tp_bases), "__bases__"},
    {&PyType_Type, offsetof(PyTypeObject, tp_base), "__base__"},
    {&PyTraceBack_Type, offsetof(PyTracebackObject, tb_next), "tb_next"},
#if PY_VERSION_HEX < 0x030b0000
    {&PyGen_Type, offsetof(PyGenObject, gi_frame), "gi_frame"},
    {&PyCoro_Type, offsetof(PyCoroObject, cr_frame), "cr_frame"},
    {&PyAsyncGen_Type, offsetof(PyAsyncGenObject, ag_frame), "ag_frame"},
    {&PyFrame_Type, offsetof(PyFrameObject, f_back), "f_back"},
#endif
};
static const struct {
    Py_ssize_t offset;
    const char *name;
} exception_slots[] = {
    {offsetof(PyBaseExceptionObject, args), "args"},
    {offsetof(PyBaseExceptionObject, traceback), "__traceback__"},
    {offsetof(PyBaseExceptionObject, context), "__context__"},
    {offsetof(PyBaseExceptionObject, cause), "__cause__"},
};

void ml_type_table_init(ml_type_table *table, ml_graph *graph, PyTypeObject *some_class)
{
    memset(table, 0, sizeof *table);
    table->graph = graph;
    table->details.item_bytes = sizeof(ml_type_details);
    table->details.bits = DETAILS_BITS;
    table->of_classes = some_class->tp_traverse;
}

void ml_type_table_free(ml_type_table *table)
{
    ml_chunks_free(&table->details);
}

static uint32_t number_of(ml_graph *graph, const char *name)
{
    const uint32_t number = ml_graph_number(&graph->name_numbers, (uintptr_t)name);
    return number ? number : ml_graph_add_name(graph, (uintptr_t)name, name, strlen(name));
}

uint32_t ml_name_number(ml_graph *graph, PyObject *name)
{
    static ml_text text; /* under the GIL */
    const uint32_t number = ml_graph_number(&graph->name_numbers, (uintptr_t)name);
    if (number)
        return number;
    ml_text_clear(&text);
    if (PyUnicode_Check(name))
        ml_text_add_str(&text, name, 200);
    else
        ml_text_add_key(&text, name);
    return ml_graph_add_name(graph, (uintptr_t)name, ml_text_end(&text), text.bytes);
}

static void add_slot(ml_type_table *table, ml_type_details *details, Py_ssize_t offset,
                     const char *name)
{
    if (details->slot_count == ML_MOST_SLOTS || offset <= 0)
        return;
    for (uint32_t i = 0; i < details->slot_count; i++)
        if (details->slots[i].offset == offset)
            return;
    details->slots[details->slot_count++] = (ml_slot){offset, number_of(table->graph, name)};
}

static void add_slots(ml_type_table *table, ml_type_details *details, PyTypeObject *type)
{
    for (const PyMemberDef *member = type->tp_members; member && member->name; member++)
        if (member->type == T_OBJECT || member->type == T_OBJECT_EX)
            add_slot(table, details, member->offset, member->name);
    for (size_t i = 0; i < sizeof built_in_slots / sizeof *built_in_slots; i++)
        if (built_in_slots[i].type == type)
            add_slot(table, details, built_in_slots[i].offset, built_in_slots[i].name);
    if ((PyObject *)type == PyExc_BaseException)
        for (size_t i = 0; i < sizeof exception_slots / sizeof *exception_slots; i++)
            add_slot(table, details, exception_slots[i].offset, exception_slots[i].name);
    if (details->kind == ML_OBJECT_NDARRAY)
        add_slot(table, details, offsetof(ml_ndarray, base), "base");
}

/* Classes written in Python over a base whose objects refer to items alone, or to nothing. */
static bool is_known(const ml_type_table *table, const ml_type_details *details)
{
    PyTypeObject *type = details->type;
    if (!PyType_IS_GC(type))
        return true; /* so are the others that the collector knows nothing of */
    while (type->tp_traverse == table->of_classes && type->tp_base)
        type = type->tp_base;
    return type == &PyBaseObject_Type || type == &PyTuple_Type || type == &PyList_Type ||
           type == &PyDict_Type || type == &PySet_Type || type == &PyFrozenSet_Type ||
           !PyType_IS_GC(type);
}

ml_type_details *ml_type_table_add(ml_type_table *table, PyTypeObject *type)
{
    ml_text_of_type(type, &table->name, &table->module);
    const bool is_counted = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    const ml_graph_type row = {.object = (uintptr_t)type, .is_counted = is_counted};
    const uint32_t number = ml_graph_add_type(
        table->graph, (uintptr_t)type, row, ml_text_end(&table->name), ml_text_end(&table->module));
    ml_type_details *details = number ? ml_chunks_add(&table->details) : NULL;
    if (!details) {
        table->graph->failed = true;
        return NULL;
    }
    details->type = type;
    details->number = number;
    details->kind = ml_object_kind_of(type);
    details->is_counted = is_counted;
    for (PyTypeObject *base = type; base; base = base->tp_base)
        add_slots(table, details, base);
    details->is_known = is_known(table, details);
    return details;
}
