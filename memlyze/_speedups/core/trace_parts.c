#include "trace_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* `trace.<word>.mlyze` of `trace.mlyze`. */
static void part_path(char to[ML_PART_PATH_BYTES], const char *path, const char *word)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *extension = strrchr(name, '.');
    if (!extension || extension == name)
        extension = name + strlen(name);
    snprintf(to, ML_PART_PATH_BYTES, "%.*s.%s%s", (int)(extension - path), path, word, extension);
}

void ml_part_earlier_path(char to[ML_PART_PATH_BYTES], const char *path)
{
    part_path(to, path, "earlier");
}

void ml_part_next_path(char to[ML_PART_PATH_BYTES], const char *path)
{
    char word[32];
    snprintf(word, sizeof word, "next-%ld", (long)getpid());
    part_path(to, path, word);
}

bool ml_parts_drop_earlier(const char *path, ml_descriptor *earlier)
{
    char earlier_path[ML_PART_PATH_BYTES];
    ml_part_earlier_path(earlier_path, path);
    if (!ml_descriptor_is_at(earlier, earlier_path) || unlink(earlier_path) != 0)
        return false;
    *earlier = ml_no_descriptor;
    return true;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Never in place of a file that is there. */
static int become_earlier(const char *path, const char *earlier_path)
{
    if (link(path, earlier_path) == 0)
        return 0;
    if (errno == EEXIST || is_there(earlier_path))
        return EEXIST;
    return rename(path, earlier_path) == 0 ? 0 : errno; /* there are no hard links */
}

int ml_parts_move_on(const char *path, const ml_descriptor *present, ml_descriptor *earlier,
                     const char *next_path, char in_the_way[ML_PART_PATH_BYTES])
{
    char earlier_path[ML_PART_PATH_BYTES];
    ml_part_earlier_path(earlier_path, path);
    snprintf(in_the_way, ML_PART_PATH_BYTES, "%s", path);
    const bool is_present = ml_descriptor_is_at(present, path);
    if (!is_present && is_there(path)) /* otherwise somebody has moved it away, who keeps it */
        return EEXIST;
    ml_parts_drop_earlier(path, earlier);
    if (is_present) {
        int error = become_earlier(path, earlier_path);
        if (error) {
            strcpy(in_the_way, earlier_path);
            return error;
        }
        *earlier = *present;
        earlier->number = -1; /* closed soon */
    }
    return rename(next_path, path) == 0 ? 0 : errno;
}
