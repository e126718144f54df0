#include "object_text.h"

#include "frame_variables.h"

#include <stdio.h>
#include <string.h>

#define KEY_CHARACTERS 60
#define NAME_CHARACTERS 200
#define PATH_CHARACTERS 400
#define KEY_ITEMS 5
#define KEY_DEPTH 3

void ml_text_clear(ml_text *text)
{
    text->bytes = 0;
}

const char *ml_text_end(ml_text *text)
{
    text->text[text->bytes] = 0;
    return text->text;
}

static void add_bytes(ml_text *text, const char *more, size_t bytes)
{
    if (text->bytes + bytes < sizeof text->text) {
        memcpy(text->text + text->bytes, more, bytes);
        text->bytes += bytes;
    }
}

void ml_text_add(ml_text *text, const char *more)
{
    add_bytes(text, more, strlen(more));
}

void ml_text_add_number(ml_text *text, long long number)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", number);
    ml_text_add(text, digits);
}

static void add_character(ml_text *text, Py_UCS4 c)
{
    char bytes[4];
    size_t count;
    if (c >= 0xd800 && c < 0xe000)
        c = '?'; /* a lone surrogate */
    if (c < 0x80) {
        bytes[0] = (char)c;
        count = 1;
    } else if (c < 0x800) {
        bytes[0] = (char)(0xc0 | c >> 6);
        count = 2;
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xe0 | c >> 12);
        count = 3;
    } else {
        bytes[0] = (char)(0xf0 | c >> 18);
        count = 4;
    }
    for (size_t i = 1; i < count; i++)
        bytes[i] = (char)(0x80 | (c >> 6 * (count - 1 - i) & 0x3f));
    add_bytes(text, bytes, count);
}

void ml_text_add_str(ml_text *text, PyObject *str, Py_ssize_t most)
{
    if (!str || !PyUnicode_Check(str) || !ml_unicode_is_ready(str))
        return;
    const Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    const int kind = PyUnicode_KIND(str);
    const void *data = PyUnicode_DATA(str);
    for (Py_ssize_t i = 0; i < length && i < most; i++)
        add_character(text, PyUnicode_READ(kind, data, i));
    if (length > most)
        ml_text_add(text, "…");
}

static void add_escaped(ml_text *text, Py_UCS4 c)
{
    char escaped[8];
    if (c == '\n' || c == '\r' || c == '\t') {
        ml_text_add(text, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    } else if (c < 0x20 || c == 0x7f) {
        snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned)c);
        ml_text_add(text, escaped);
    } else {
        if (c == '\'' || c == '\\')
            ml_text_add(text, "\\");
        add_character(text, c);
    }
}

static void add_quoted(ml_text *text, const void *data, int kind, Py_ssize_t length)
{
    ml_text_add(text, "'");
    for (Py_ssize_t i = 0; i < length && i < KEY_CHARACTERS; i++)
        add_escaped(text, PyUnicode_READ(kind, data, i));
    ml_text_add(text, length > KEY_CHARACTERS ? "…'" : "'");
}

static void add_bytes_key(ml_text *text, PyObject *key)
{
    const unsigned char *data = (const unsigned char *)PyBytes_AS_STRING(key);
    const Py_ssize_t length = PyBytes_GET_SIZE(key);
    ml_text_add(text, "b'");
    for (Py_ssize_t i = 0; i < length && i < KEY_CHARACTERS; i++) {
        char escaped[8];
        if (data[i] < 0x7f) {
            add_escaped(text, data[i]);
        } else {
            snprintf(escaped, sizeof escaped, "\\x%02x", data[i]);
            ml_text_add(text, escaped);
        }
    }
    ml_text_add(text, length > KEY_CHARACTERS ? "…'" : "'");
}

static void add_type_name(ml_text *text, PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');
    ml_text_add(text, dot ? dot + 1 : type->tp_name);
}

static void add_int_key(ml_text *text, PyObject *key)
{
    /* Of exact integers only, whose conversion is C alone. */
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(key, &overflow);
    if (overflow)
        ml_text_add(text, "<large int>");
    else
        ml_text_add_number(text, value);
}

static void add_key(ml_text *text, PyObject *key, int depth)
{
    if (key == Py_None) {
        ml_text_add(text, "None");
    } else if (key == Py_True || key == Py_False) {
        ml_text_add(text, key == Py_True ? "True" : "False");
    } else if (PyUnicode_Check(key) && ml_unicode_is_ready(key)) {
        add_quoted(text, PyUnicode_DATA(key), PyUnicode_KIND(key), PyUnicode_GET_LENGTH(key));
    } else if (PyBytes_CheckExact(key)) {
        add_bytes_key(text, key);
    } else if (PyLong_CheckExact(key)) {
        add_int_key(text, key);
    } else if (PyFloat_CheckExact(key)) {
        char digits[32];
        snprintf(digits, sizeof digits, "%.12g", PyFloat_AS_DOUBLE(key));
        ml_text_add(text, digits);
    } else if (PyTuple_Check(key) && depth < KEY_DEPTH) {
        const Py_ssize_t count = PyTuple_GET_SIZE(key);
        ml_text_add(text, "(");
        for (Py_ssize_t i = 0; i < count && i < KEY_ITEMS; i++) {
            if (i)
                ml_text_add(text, ", ");
            if (PyTuple_GET_ITEM(key, i))
                add_key(text, PyTuple_GET_ITEM(key, i), depth + 1);
        }
        ml_text_add(text, count > KEY_ITEMS ? ", …)" : count == 1 ? ",)" : ")");
    } else if (PyType_Check(key)) {
        add_type_name(text, (PyTypeObject *)key);
    } else {
        ml_text_add(text, "<");
        add_type_name(text, Py_TYPE(key));
        ml_text_add(text, ">");
    }
}

void ml_text_add_key(ml_text *text, PyObject *key)
{
    add_key(text, key, 0);
}

PyObject *ml_dict_find(PyObject *dict, const char *key)
{
    Py_ssize_t at = 0;
    PyObject *name, *value;
    const size_t bytes = strlen(key);
    while (dict && PyDict_Check(dict) && PyDict_Next(dict, &at, &name, &value))
        if (PyUnicode_Check(name) && ml_unicode_is_ready(name) && PyUnicode_IS_ASCII(name) &&
            (size_t)PyUnicode_GET_LENGTH(name) == bytes &&
            memcmp(PyUnicode_DATA(name), key, bytes) == 0)
            return value;
    return NULL;
}

void ml_text_of_type(PyTypeObject *type, ml_text *name, ml_text *module)
{
    ml_text_clear(name);
    ml_text_clear(module);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        ml_text_add_str(name, ((PyHeapTypeObject *)type)->ht_qualname, NAME_CHARACTERS);
        ml_text_add_str(module, ml_dict_find(type->tp_dict, "__module__"), NAME_CHARACTERS);
    }
    if (name->bytes == 0) {
        const char *dot = strrchr(type->tp_name, '.');
        if (dot)
            add_bytes(module, type->tp_name, (size_t)(dot - type->tp_name));
        else
            ml_text_add(module, "builtins");
        ml_text_add(name, dot ? dot + 1 : type->tp_name);
    }
}

void ml_text_add_place(ml_text *text, PyObject *function, const PyCodeObject *code, int line)
{
    ml_text_add_str(text, function, NAME_CHARACTERS);
    ml_text_add(text, " (");
    ml_text_add_str(text, code->co_filename, PATH_CHARACTERS);
    ml_text_add(text, ":");
    ml_text_add_number(text, line);
    ml_text_add(text, ")");
}

static bool add_frame(ml_text *text, const ml_frame *frame)
{
    if (!frame || ml_frame_is_transparent(frame))
        return false;
    const PyCodeObject *code = ml_frame_code(frame);
    const int line = PyCode_Addr2Line((PyCodeObject *)code, (int)ml_frame_instruction(frame, code));
    ml_text_add_place(text, ml_code_name(code), code, line);
    return true;
}

static bool add_generator(ml_text *text, PyObject *generator)
{
#if PY_VERSION_HEX >= 0x030b0000
    return add_frame(text, ml_generator_frame(generator));
#else
    const PyGenObject *state = (const PyGenObject *)generator;
    if (!state->gi_frame)
        return false;
    const ml_frame *frame = (const ml_frame *)state->gi_frame;
    const PyCodeObject *code = ml_frame_code(frame);
    const int line = PyCode_Addr2Line((PyCodeObject *)code, (int)ml_frame_instruction(frame, code));
    ml_text_add_place(text, state->gi_qualname, code, line);
    return true;
#endif
}

bool ml_text_of_object(ml_text *text, PyObject *object, ml_object_kind kind)
{
    ml_text_clear(text);
    switch (kind) {
    case ML_OBJECT_MODULE: {
        PyObject *name = ml_dict_find(PyModule_GetDict(object), "__name__");
        ml_text_add_str(text, name, NAME_CHARACTERS);
        return text->bytes > 0;
    }
    case ML_OBJECT_FUNCTION: {
        const PyFunctionObject *function = (const PyFunctionObject *)object;
        const PyCodeObject *code = (const PyCodeObject *)function->func_code;
        ml_text_add_place(text, function->func_qualname, code, code->co_firstlineno);
        return true;
    }
    case ML_OBJECT_CODE: {
        const PyCodeObject *code = (const PyCodeObject *)object;
        ml_text_add_place(text, ml_code_name(code), code, code->co_firstlineno);
        return true;
    }
    case ML_OBJECT_GENERATOR:
        return add_generator(text, object);
    case ML_OBJECT_FRAME:
        return add_frame(text, ml_frame_of_object(object));
    case ML_OBJECT_TYPE: {
        static ml_text module; /* under the GIL */
        static ml_text name;
        ml_text_of_type((PyTypeObject *)object, &name, &module);
        ml_text_add(text, ml_text_end(&module));
        ml_text_add(text, ".");
        ml_text_add(text, ml_text_end(&name));
        return true;
    }
    default:
        return false;
    }
}
