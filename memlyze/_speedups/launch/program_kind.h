/* What kind of program is about to be started: a Python, or one that starts others. Asks the file
 * system, and allocates nothing: also in a child of vfork. */
#ifndef MEMLYZE_PROGRAM_KIND_H
#define MEMLYZE_PROGRAM_KIND_H

typedef enum {
    ML_PROGRAM_OTHER, /* or there is none */
    ML_PROGRAM_PYTHON,
    /* A shell, or one of the usual programs that do nothing but start another (env, nice, xargs),
     * which this process's own dynamic loader loads: the shim can be put in front of it. */
    ML_PROGRAM_LAUNCHER,
} ml_program_kind;

/* By its name, or by that of the interpreter that its first line names. `folder`: what a relative
 * path is relative to; NULL: the working directory. */
ml_program_kind ml_program_kind_of(const char *path, const char *folder);
/* Of a program that is looked for in the folders of `search_path`, unless its name has a slash. */
ml_program_kind ml_program_kind_of_name(const char *name, const char *search_path);

/* What an argument says to a Python, read one after the other from the first behind its name. */
typedef enum {
    ML_ARGUMENT_OPTION,
    ML_ARGUMENT_OPTION_OF_TWO, /* the next one belongs to it */
    ML_ARGUMENT_LAST,          /* what follows is the program's */
    ML_ARGUMENT_ISOLATES, /* the environment is ignored, or `site` not imported: not followed */
} ml_python_argument;
ml_python_argument ml_python_argument_of(const char *argument);

#endif
