/* What CPython's own memory looks like from outside. */
#ifndef MEMLYZE_RUNTIME_LAYOUT_H
#define MEMLYZE_RUNTIME_LAYOUT_H

/* Lets the core recognise this interpreter's pools and frames. Where objects are not allocated in
 * pools (PYTHONMALLOC=malloc), it finds none. */
void ml_runtime_describe(void);

#endif
