#include "code_deaths.h"

#include "compat.h"

#include "../core/recorder.h"

/* Every code object ends here, on all CPythons: the type has no subclasses. (PyCode_AddWatcher is
 * there from 3.12 on alone.) */
static destructor dealloc;

/* Before its constants go, whose finalizers may run code: none that could have this address yet. */
static void tell_and_dealloc(PyObject *code)
{
    ml_code_died(&ml_codes, (uintptr_t)code);
    dealloc(code);
}

void ml_code_deaths_watch(void)
{
    if (dealloc) /* for good: another tool may have remembered ours */
        return;
    dealloc = PyCode_Type.tp_dealloc;
    PyCode_Type.tp_dealloc = tell_and_dealloc;
}
