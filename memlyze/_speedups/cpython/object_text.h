/* What a key, a function, … is called in a chain of references: read from its own representation,
 * never by asking the object. */
#ifndef MEMLYZE_OBJECT_TEXT_H
#define MEMLYZE_OBJECT_TEXT_H

#include "object_size.h"

#define ML_TEXT_BYTES 4096

/* Text of bounded length; what does not fit is left out. */
typedef struct {
    size_t bytes;
    char text[ML_TEXT_BYTES];
} ml_text;

void ml_text_clear(ml_text *text);
/* Ends the text with a zero byte and returns it. */
const char *ml_text_end(ml_text *text);
void ml_text_add(ml_text *text, const char *more);
void ml_text_add_number(ml_text *text, long long number);
/* As it is, but at most so many characters. */
void ml_text_add_str(ml_text *text, PyObject *str, Py_ssize_t most);
/* "function (file:line)" */
void ml_text_add_place(ml_text *text, PyObject *function, const PyCodeObject *code, int line);

/* A key as it would be written: 'u17', 17, ('a', 1), <Session>. */
void ml_text_add_key(ml_text *text, PyObject *key);

/* Name and module of a type. */
void ml_text_of_type(PyTypeObject *type, ml_text *name, ml_text *module);

/* The value of a key in a dict, which is not hashed or compared; NULL: it has none. */
PyObject *ml_dict_find(PyObject *dict, const char *key);

/* What tells this object from others of its kind: the name of a module, function, code, class,
 * where a generator or frame stands. False: nothing does. */
bool ml_text_of_object(ml_text *text, PyObject *object, ml_object_kind kind);

#endif
