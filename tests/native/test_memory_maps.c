/* core/memory_maps.h: the kernel's list, wherever its text is cut. */
#include <string.h>

#include "check.h"
#include "core/memory_maps.h"

static const char list[] =
    "55d0c8a00000-55d0c8a21000 r-xp 00001000 fe:01 1234                       /usr/bin/my app\n"
    "Size:                132 kB\n"
    "Rss:                 100 kB\n"
    "Pss:                  10 kB\n"
    "Anonymous:             8 kB\n"
    "VmFlags: rd ex mr mw me \n"
    "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
    "Size:               4096 kB\n"
    "Rss:                  12 kB\n"
    "Anonymous:            12 kB\n"
    "AnonHugePages:         4 kB\n"
    "VmFlags: rd wr mr mw me nr dd nh \n"
    "7f0000400000-7f0000401000 ---p 00000000 00:00 0 \n"
    "Rss:                   0 kB\n"
    "VmFlags: mr mw me nr \n"
    "7ffd18908000-7ffd18929000 rw-p 00000000 00:00 0                          [stack]\n"
    "Rss:                  16 kB\n"
    "SomethingNew:     123456 kB\n";

static ml_mapping seen[8];
static int seen_count;

static void keep(void *context, const ml_mapping *mapping)
{
    CHECK(context == seen && seen_count < 8);
    seen[seen_count++] = *mapping;
}

static void check_seen(void)
{
    CHECK(seen_count == 4);
    CHECK(seen[0].start == 0x55d0c8a00000 && seen[0].end == 0x55d0c8a21000);
    CHECK(seen[0].has_file && seen[0].is_executable && seen[0].is_accessible);
    CHECK(seen[0].resident_bytes == 100 << 10 && seen[0].anonymous_bytes == 8 << 10);
    CHECK(strcmp(seen[0].path, "/usr/bin/my app") == 0 && seen[0].path_bytes == 15);
    CHECK(!seen[0].is_recorders);
    CHECK(!seen[1].has_file && seen[1].path_bytes == 0 && seen[1].is_recorders);
    CHECK(seen[1].resident_bytes == 12 << 10 && seen[1].anonymous_bytes == 12 << 10);
    CHECK(!seen[2].is_accessible && !seen[2].is_recorders && seen[2].resident_bytes == 0);
    CHECK(strcmp(seen[3].path, "[stack]") == 0 && seen[3].resident_bytes == 16 << 10);
}

static void parse(const char *text, size_t bytes, size_t piece)
{
    static ml_maps_parser parser;
    seen_count = 0;
    ml_maps_begin(&parser, keep, seen);
    for (size_t at = 0; at < bytes; at += piece)
        ml_maps_take(&parser, text + at, bytes - at < piece ? bytes - at : piece);
    ml_maps_end(&parser);
}

static void test_pieces_of_any_size_are_one_list(void)
{
    for (size_t piece = 1; piece <= sizeof list; piece++) {
        parse(list, sizeof list - 1, piece);
        check_seen();
    }
}

static void test_a_path_of_any_length_keeps_its_beginning(void)
{
    static char text[10000];
    int at = snprintf(text, sizeof text, "1000-2000 r--p 00000000 fe:01 9  /");
    memset(text + at, 'x', 5000);
    strcpy(text + at + 5000, "\nRss: 4 kB\n");
    parse(text, strlen(text), 100);
    CHECK(seen_count == 1 && seen[0].resident_bytes == 4 << 10);
    CHECK(seen[0].path_bytes <= ML_MAPPED_PATH_BYTES - 1 && seen[0].path_bytes > 900);
    CHECK(strlen(seen[0].path) == seen[0].path_bytes && seen[0].path[1] == 'x');
}

static void test_what_is_no_list_gives_nothing(void)
{
    static const char *const texts[] = {"",      "\n\n",   "deadbeef\n",
                                        "12-\n", "1-2 \n", "-\nRss: 3 kB\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        parse(texts[i], strlen(texts[i]), 7);
        CHECK(seen_count == 0);
    }
}

int main(void)
{
    test_pieces_of_any_size_are_one_list();
    test_a_path_of_any_length_keeps_its_beginning();
    test_what_is_no_list_gives_nothing();
    return 0;
}
