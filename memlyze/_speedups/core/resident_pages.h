/* How much of the recorder's own memory is resident: of its large mappings most is never touched.
 */
#ifndef MEMLYZE_RESIDENT_PAGES_H
#define MEMLYZE_RESIDENT_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Before there is a helper thread that asks, and when there is none any more. */
void ml_resident_pages_open(void);
void ml_resident_pages_close(void);

/* Of a mapping that begins at a page: bytes of the pages that were written. All of it where the
 * system does not tell; asked of the helper thread alone. */
int64_t ml_resident_pages_bytes(const void *memory, size_t bytes);

#endif
