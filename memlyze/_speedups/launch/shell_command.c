#include "shell_command.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>

/* While any command runs, the process ignores what a terminal sends for the command. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int running;
static struct sigaction of_interrupt, of_quit; /* before the first of them */

static void begin_ignoring(void)
{
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    pthread_mutex_lock(&lock);
    if (running++ == 0) {
        sigaction(SIGINT, &ignored, &of_interrupt);
        sigaction(SIGQUIT, &ignored, &of_quit);
    }
    pthread_mutex_unlock(&lock);
}

static void end_ignoring(void)
{
    pthread_mutex_lock(&lock);
    if (--running == 0) {
        sigaction(SIGINT, &of_interrupt, NULL);
        sigaction(SIGQUIT, &of_quit, NULL);
    }
    pthread_mutex_unlock(&lock);
}

static int start_shell(pid_t *child, const char *command, char *const environment[],
                       const sigset_t *mask)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    posix_spawnattr_t attributes;
    sigset_t to_default;
    sigemptyset(&to_default);
    if (of_interrupt.sa_handler != SIG_IGN)
        sigaddset(&to_default, SIGINT);
    if (of_quit.sa_handler != SIG_IGN)
        sigaddset(&to_default, SIGQUIT);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, &to_default);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    const int error = posix_spawn(child, ML_SHELL, NULL, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int ml_run_shell_command(const char *command, char *const environment[])
{
    sigset_t child_signal, mask;
    pid_t child;
    int status = 0x7f00; /* as if the shell could not be executed */
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    begin_ignoring();
    pthread_sigmask(SIG_BLOCK, &child_signal, &mask);
    int error = start_shell(&child, command, environment, &mask);
    if (error == 0)
        while (waitpid(child, &status, 0) < 0) {
            if (errno == EINTR)
                continue;
            error = errno;
            status = -1;
            break;
        }
    end_ignoring();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (error)
        errno = error;
    return status;
}
