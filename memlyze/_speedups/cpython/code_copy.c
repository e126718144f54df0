#include "code_copy.h"

/* Text is taken from the string's own representation: PyUnicode_AsUTF8 would allocate a cache in
 * the string, inside the allocator. Lone surrogates, which file names may hold, are encoded like
 * any other code point. */
static void copy_text(ml_code_table *table, ml_code_record *record, PyObject *text)
{
    ml_code_part(table, record);
    if (!text || !PyUnicode_Check(text) || !ml_unicode_is_ready(text))
        return;
    const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    const int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    if (PyUnicode_IS_ASCII(text)) {
        ml_code_bytes(table, record, data, (size_t)length);
        return;
    }
    uint8_t piece[256];
    size_t used = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        const Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (used > sizeof piece - 4) {
            ml_code_bytes(table, record, piece, used);
            used = 0;
        }
        if (c < 0x80) {
            piece[used++] = (uint8_t)c;
        } else if (c < 0x800) {
            piece[used++] = (uint8_t)(0xc0 | c >> 6);
            piece[used++] = (uint8_t)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            piece[used++] = (uint8_t)(0xe0 | c >> 12);
            piece[used++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            piece[used++] = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            piece[used++] = (uint8_t)(0xf0 | c >> 18);
            piece[used++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            piece[used++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            piece[used++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    ml_code_bytes(table, record, piece, used);
}

uint32_t ml_copy_code(ml_code_table *table, const PyCodeObject *code)
{
    const uint32_t first_line = code->co_firstlineno > 0 ? (uint32_t)code->co_firstlineno : 0;
    ml_code_record record =
        ml_code_begin(table, first_line, ML_LINE_TABLE_KIND, ML_LANGUAGE_PYTHON);
    copy_text(table, &record, ml_code_name(code));
    copy_text(table, &record, code->co_filename);
    ml_code_part(table, &record);
    PyObject *lines = ml_code_line_table(code);
    if (lines && PyBytes_Check(lines))
        ml_code_bytes(table, &record, PyBytes_AS_STRING(lines), (size_t)PyBytes_GET_SIZE(lines));
    return ml_code_finish(table, &record, (uintptr_t)code);
}
