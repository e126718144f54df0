#include "trace_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void ml_part_path(char to[ML_PART_PATH_BYTES], const char *path, const char *word)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *extension = strrchr(name, '.');
    if (!extension || extension == name)
        extension = name + strlen(name);
    snprintf(to, ML_PART_PATH_BYTES, "%.*s.%s%s", (int)(extension - path), path, word, extension);
}

void ml_parts_drop_earlier(const char *path)
{
    char earlier[ML_PART_PATH_BYTES];
    ml_part_path(earlier, path, ML_PART_EARLIER);
    unlink(earlier);
}

int ml_parts_move_on(const char *path)
{
    char earlier[ML_PART_PATH_BYTES], next[ML_PART_PATH_BYTES];
    ml_part_path(earlier, path, ML_PART_EARLIER);
    ml_part_path(next, path, ML_PART_NEXT);
    if (link(path, earlier) != 0 && errno != ENOENT && rename(path, earlier) != 0)
        return errno; /* ENOENT: somebody has moved it away, who keeps it */
    return rename(next, path) == 0 ? 0 : errno;
}
