/* Runs code in several interpreters, one after the other: a program that embeds Python, and ends
 * and begins it again. */
#include <stdlib.h>

void Py_Initialize(void);
int Py_FinalizeEx(void);
int PyRun_SimpleStringFlags(const char *code, void *flags);

int main(int count, char **arguments)
{
    for (int number = 1; number < count; ++number) {
        Py_Initialize();
        if (PyRun_SimpleStringFlags(arguments[number], NULL) != 0)
            return 1;
        if (Py_FinalizeEx() != 0)
            return 2;
    }
    return 7;
}
