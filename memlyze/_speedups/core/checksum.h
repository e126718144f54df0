/* CRC-32 as zlib, PNG and Python's zlib.crc32 compute it: the checksum of the trace format.
 *
 * Pure function of its arguments: it allocates nothing, locks nothing and needs no initialisation,
 * so it may be called from any thread at any time. */
#ifndef MEMLYZE_CHECKSUM_H
#define MEMLYZE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32 of data[0 .. bytes). Of nothing it is 0. */
uint32_t ml_crc32(const void *data, size_t bytes);

#endif
