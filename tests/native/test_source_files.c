/* core/source_files.c: which files are read, and each once. */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "core/source_files.h"

static ml_source_files files;
static ml_columns rows;

static bool is_source(const char *name)
{
    return ml_is_source_file(name, strlen(name));
}

static void note(const char *name)
{
    ml_source_files_note(&files, (const uint8_t *)name, strlen(name));
}

static void test_the_standard_library_and_what_is_no_file_are_left_out(void)
{
    CHECK(is_source("/srv/app/main.py") && is_source("main.py"));
    CHECK(is_source("/usr/lib/python3.11/site-packages/flask/app.py"));
    CHECK(is_source("/usr/lib/python3/dist-packages/apt.py"));
    CHECK(is_source("/home/me/lib/pythonista/main.py"));
    CHECK(!is_source("/usr/lib/python3.11/json/decoder.py"));
    CHECK(!is_source("/opt/lib64/python3.8/json/decoder.py"));
    CHECK(!is_source("<string>") && !is_source(""));
    CHECK(!ml_is_source_file("a\0b.py", 6));
}

static void test_each_file_is_read_once(void)
{
    ml_source_files_init(&files, "/nowhere", true, 0);
    ml_columns_init(&rows, ML_BLOCK_SOURCES, ML_SOURCE_ENCODINGS);
    note("a.py");
    note("b.py");
    note("a.py");
    CHECK(ml_source_files_read(&files, &rows) && ml_source_files_read(&files, &rows));
    CHECK(!ml_source_files_read(&files, &rows) && rows.rows == 2);
    note("b.py");
    CHECK(!ml_source_files_read(&files, &rows));
    CHECK(files.stored == 0 && files.left_out == 2);
    ml_columns_free(&rows);
    ml_source_files_free(&files);
}

static void test_no_more_files_than_there_is_room_for(void)
{
    char name[32];
    ml_source_files_init(&files, "/nowhere", false, 0);
    for (int i = 0; i < ML_SOURCE_FILES_MAX + 10; i++) {
        snprintf(name, sizeof name, "%d.py", i);
        note(name);
    }
    CHECK(files.seen_count == ML_SOURCE_FILES_MAX && files.left_out == 10);
    ml_source_files_free(&files);
}

static void test_texts_are_bounded_all_together(void)
{
    char directory[] = "/tmp/memlyze-test-XXXXXX", path[64];
    static char text[ML_SOURCE_FILE_MAX_BYTES];
    const int fitting = (int)(ML_SOURCE_TEXTS_MAX_BYTES / sizeof text);
    CHECK(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/large.py", directory);
    memset(text, '#', sizeof text);
    FILE *file = fopen(path, "w");
    CHECK(file && fwrite(text, sizeof text, 1, file) == 1 && fclose(file) == 0);
    ml_source_files_init(&files, directory, true, 0);
    ml_columns_init(&rows, ML_BLOCK_SOURCES, ML_SOURCE_ENCODINGS);
    for (int i = 0; i < fitting + 2; i++) {
        /* The same file by ever longer names. */
        char name[256] = "";
        for (int k = 0; k < i; k++)
            strcat(name, "./");
        note(strcat(name, "large.py"));
        CHECK(ml_source_files_read(&files, &rows));
        ml_columns_clear(&rows);
    }
    CHECK(files.stored == (uint64_t)fitting && files.left_out == 2);
    CHECK(files.text_bytes == ML_SOURCE_TEXTS_MAX_BYTES);
    ml_columns_free(&rows);
    ml_source_files_free(&files);
    CHECK(unlink(path) == 0 && rmdir(directory) == 0);
}

int main(void)
{
    test_the_standard_library_and_what_is_no_file_are_left_out();
    test_each_file_is_read_once();
    test_no_more_files_than_there_is_room_for();
    test_texts_are_bounded_all_together();
    return 0;
}
