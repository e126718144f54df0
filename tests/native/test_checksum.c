/* core/checksum.c against published CRC-32 values, and against its own definition on every length
 * and alignment. */
#include <string.h>

#include "check.h"
#include "core/checksum.h"

static uint32_t crc32_bit_by_bit(const unsigned char *data, size_t bytes)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
    }
    return crc ^ 0xFFFFFFFFu;
}

static void test_published_values(void)
{
    CHECK(ml_crc32("", 0) == 0);
    CHECK(ml_crc32("123456789", 9) == 0xCBF43926u);
    CHECK(ml_crc32("The quick brown fox jumps over the lazy dog", 43) == 0x414FA339u);
}

static void test_every_length_and_alignment_agrees_with_the_definition(void)
{
    unsigned char data[160];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 151 + 7);
    for (size_t start = 0; start < 16; start++) {
        for (size_t bytes = 0; start + bytes <= sizeof data; bytes++)
            CHECK(ml_crc32(data + start, bytes) == crc32_bit_by_bit(data + start, bytes));
    }
}

int main(void)
{
    test_published_values();
    test_every_length_and_alignment_agrees_with_the_definition();
    return 0;
}
