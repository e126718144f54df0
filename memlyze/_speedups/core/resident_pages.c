#include "resident_pages.h"

#include "descriptor.h"

#include <stdbool.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGEMAP "/proc/self/pagemap"

/* A page that was only read is the system's page of zeros, which mincore calls resident, and the
 * resident memory of the process does not count. Since 6.7 Linux tells the two apart
 * (PAGEMAP_SCAN in linux/fs.h, which older headers do not have). */
typedef struct {
    uint64_t start, end, categories;
} page_run;

typedef struct {
    uint64_t size, flags, start, end, walk_end, runs, run_count, most_pages;
    uint64_t inverted, all_of, any_of, told;
} page_scan;

#define SCAN_PAGES _IOWR('f', 16, page_scan)
#define IS_PRESENT ((uint64_t)1 << 3)
#define IS_PAGE_OF_ZEROS ((uint64_t)1 << 5)
#define RUNS 64

static ml_descriptor pagemap = {-1, 0, 0};
static bool can_scan;

void ml_resident_pages_open(void)
{
    pagemap = ml_descriptor_take(open(PAGEMAP, O_RDONLY | O_CLOEXEC));
    can_scan = pagemap.number >= 0;
}

void ml_resident_pages_close(void)
{
    ml_descriptor_close(&pagemap);
}

/* False: this system cannot, or somebody has closed the descriptor for good. */
static bool scan(uintptr_t start, uintptr_t end, int64_t *bytes)
{
    page_run runs[RUNS];
    *bytes = 0;
    while (start < end) {
        page_scan asked = {.size = sizeof asked,
                           .start = start,
                           .end = end,
                           .runs = (uintptr_t)runs,
                           .run_count = RUNS,
                           .inverted = IS_PAGE_OF_ZEROS,
                           .all_of = IS_PRESENT | IS_PAGE_OF_ZEROS,
                           .told = IS_PRESENT};
        const int found = ioctl(pagemap.number, SCAN_PAGES, &asked);
        if (found < 0 || asked.walk_end <= start)
            return false;
        for (int i = 0; i < found; i++)
            *bytes += (int64_t)(runs[i].end - runs[i].start);
        start = (uintptr_t)asked.walk_end;
    }
    return true;
}

static int64_t resident_bytes(uintptr_t start, uintptr_t end, size_t page_bytes)
{
    unsigned char resident[256];
    int64_t pages = 0;
    for (uintptr_t at = start; at < end; at += sizeof resident * page_bytes) {
        const size_t left = (end - at) / page_bytes,
                     count = left < sizeof resident ? left : sizeof resident;
        if (mincore((void *)at, count * page_bytes, resident) != 0)
            return (int64_t)(end - start);
        for (size_t i = 0; i < count; i++)
            pages += resident[i] & 1;
    }
    return pages * (int64_t)page_bytes;
}

int64_t ml_resident_pages_bytes(const void *memory, size_t bytes)
{
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t start = (uintptr_t)memory,
                    end = start + (bytes + page_bytes - 1) / page_bytes * page_bytes;
    int64_t written;
    if (!memory || !bytes)
        return 0;
    can_scan =
        can_scan && prctl(PR_GET_SECCOMP) <= 0 && /* no filter that may kill for it */
        (ml_descriptor_is_ours(&pagemap) || ml_descriptor_reopen(&pagemap, PAGEMAP, O_RDONLY));
    if (can_scan && scan(start, end, &written))
        return written;
    can_scan = false;
    return resident_bytes(start, end, page_bytes);
}

#else

void ml_resident_pages_open(void) {}

void ml_resident_pages_close(void) {}

int64_t ml_resident_pages_bytes(const void *memory, size_t bytes)
{
    return memory ? (int64_t)bytes : 0;
}

#endif
