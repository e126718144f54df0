/* The whole test harness: a failed CHECK prints where, and the test program ends with status 1. */
#ifndef MEMLYZE_TESTS_CHECK_H
#define MEMLYZE_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: failed: %s\n", __FILE__, __LINE__, __func__, #condition);  \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
