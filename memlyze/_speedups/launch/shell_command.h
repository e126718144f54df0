/* What system() does, with an environment for the shell other than the process's own. */
#ifndef MEMLYZE_SHELL_COMMAND_H
#define MEMLYZE_SHELL_COMMAND_H

#define ML_SHELL "/bin/sh"

/* Runs the command to its end. Its wait status; -1 with errno. Any thread; nothing of Python's. */
int ml_run_shell_command(const char *command, char *const environment[]);

#endif
