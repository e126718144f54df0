/* launch/program_kind.c: what kind of program a path is, and which arguments isolate a Python. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "launch/program_kind.h"

static char folder[] = "/tmp/memlyze-kinds-XXXXXX";

static void write_file(const char *name, const char *content, mode_t mode)
{
    const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    CHECK(write(file, content, strlen(content)) == (ssize_t)strlen(content));
    CHECK(fchmod(file, mode) == 0);
    CHECK(close(file) == 0);
}

static void test_names_and_first_lines(void)
{
    write_file("python3.12", "", 0700);
    write_file("pythonic", "", 0700);
    write_file("by-path", "#!/usr/bin/python3 -B\n", 0700);
    write_file("by-env", "#!/usr/bin/env -S A=1 python3.13t -B\nx", 0700);
    write_file("by-script", "#! by-path\n", 0700);
    write_file("endless", "#! ./endless\n", 0700);
    write_file("python-not-executable", "#!/usr/bin/python3\n", 0600);
    write_file("long", "#!", 0700);
    CHECK(symlink("python3.12", "link") == 0);
    CHECK(ml_program_kind_of("python3.12", NULL) == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of("link", NULL) == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of("pythonic", NULL) == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("by-path", NULL) == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of("by-script", NULL) == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of("endless", NULL) == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("python-not-executable", NULL) == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("long", NULL) == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("", NULL) == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("/", NULL) == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("python3.12", "/does/not/exist") == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of("python3.12", folder) == ML_PROGRAM_PYTHON);
}

static void test_the_first_in_the_path_decides(void)
{
    CHECK(ml_program_kind_of_name("python3.12", "/does/not/exist::/bin") == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of_name("python3.12", folder) == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of_name("python3.12", "/does/not/exist") == ML_PROGRAM_OTHER);
    CHECK(ml_program_kind_of_name("./by-path", "") == ML_PROGRAM_PYTHON);
    CHECK(ml_program_kind_of_name("no-such-program", NULL) == ML_PROGRAM_OTHER);
}

static void test_only_what_the_own_loader_loads_is_a_launcher(void)
{
    write_file("sh", "not a program", 0700);
    CHECK(ml_program_kind_of("sh", NULL) == ML_PROGRAM_OTHER);
    write_file("env",
               "\x7f"
               "ELF",
               0700);
    CHECK(ml_program_kind_of("env", NULL) == ML_PROGRAM_OTHER);
#if defined(__linux__)
    CHECK(ml_program_kind_of("/bin/sh", NULL) == ML_PROGRAM_LAUNCHER);
    CHECK(ml_program_kind_of("by-env", NULL) == ML_PROGRAM_LAUNCHER); /* it looks for the Python */
#endif
}

static void test_arguments_of_python(void)
{
    CHECK(ml_python_argument_of("-I") == ML_ARGUMENT_ISOLATES);
    CHECK(ml_python_argument_of("-BE") == ML_ARGUMENT_ISOLATES);
    CHECK(ml_python_argument_of("-S") == ML_ARGUMENT_ISOLATES);
    CHECK(ml_python_argument_of("-B") == ML_ARGUMENT_OPTION);
    CHECK(ml_python_argument_of("-XE") == ML_ARGUMENT_OPTION);
    CHECK(ml_python_argument_of("-X") == ML_ARGUMENT_OPTION_OF_TWO);
    CHECK(ml_python_argument_of("-cI") == ML_ARGUMENT_LAST);
    CHECK(ml_python_argument_of("-mSITE") == ML_ARGUMENT_LAST);
    CHECK(ml_python_argument_of("-") == ML_ARGUMENT_LAST);
    CHECK(ml_python_argument_of("--") == ML_ARGUMENT_LAST);
    CHECK(ml_python_argument_of("") == ML_ARGUMENT_LAST);
    CHECK(ml_python_argument_of("--check-hash-based-pycs") == ML_ARGUMENT_OPTION_OF_TWO);
}

static void remove_files(void)
{
    static const char *const names[] = {
        "python3.12", "pythonic", "by-path", "by-env",
        "by-script",  "endless",  "link",    "python-not-executable",
        "long",       "sh",       "env"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(unlink(names[i]) == 0);
    CHECK(rmdir(folder) == 0);
}

int main(void)
{
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
    test_names_and_first_lines();
    test_the_first_in_the_path_decides();
    test_only_what_the_own_loader_loads_is_a_launcher();
    test_arguments_of_python();
    remove_files();
    return 0;
}
