/* Where there are no hooks for native memory: any system but Linux. */
#include "invisible_allocators.h"
#include "native_hooks.h"

bool ml_native_probe_seen;

const char *ml_native_install(ml_native_capture capture)
{
    (void)capture;
    return "it is seen on Linux alone";
}

void ml_native_settle(void) {}

size_t ml_find_invisible_allocators(const void *except, ml_invisible_allocator *found, size_t room)
{
    (void)except;
    (void)found;
    (void)room;
    return 0;
}
