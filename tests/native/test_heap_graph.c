/* core/heap_graph.c and core/chunks.h: what is put down is there again, and stays where it is. */
#include "core/heap_graph.h"

#include <string.h>

#include "check.h"

static void test_items_do_not_move_when_more_come(void)
{
    ml_chunks items = {.item_bytes = sizeof(uint64_t), .bits = 4};
    uint64_t *first = ml_chunks_add(&items);
    *first = 0;
    for (uint64_t i = 1; i < 5000; i++)
        *(uint64_t *)ml_chunks_add(&items) = i;
    CHECK(ml_chunks_at(&items, 0) == first);
    for (uint64_t i = 0; i < 5000; i++)
        CHECK(*(uint64_t *)ml_chunks_at(&items, i) == i);
    CHECK(ml_chunks_bytes(&items) == (5000 + 15) / 16 * 16 * sizeof(uint64_t));
    ml_chunks_free(&items);
    CHECK(items.count == 0 && ml_chunks_bytes(&items) == 0);
    ml_chunks_free(&items);
}

static void test_a_reference_is_read_as_it_was_put_down(void)
{
    const uint64_t numbers[] = {0, 1, ML_REFERENCE_MAX_NUMBER, ML_REFERENCE_MAX_NUMBER + 1,
                                UINT32_MAX};
    const uintptr_t addresses[] = {8, 0x10, 0x7fffdeadbee8, ((uintptr_t)1 << 47) - 8};
    const ml_how hows[] = {ML_HOW_OTHER, ML_HOW_ITEM, ML_HOW_MEMBER};
    ml_graph *graph = ml_graph_new("test");
    ml_graph_object *object = ml_chunks_add(&graph->objects);
    uint64_t place = 0, references = 0;
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
        for (size_t a = 0; a < sizeof addresses / sizeof *addresses; a++)
            for (size_t h = 0; h < sizeof hows / sizeof *hows; h++) {
                ml_graph_add_reference(graph, object, addresses[a], hows[h], numbers[n]);
                uint64_t word = *(uint64_t *)ml_chunks_at(&graph->references, place++);
                if (numbers[n] > ML_REFERENCE_MAX_NUMBER) {
                    CHECK(word == (ML_REFERENCE_WIDE | numbers[n]));
                    word = *(uint64_t *)ml_chunks_at(&graph->references, place++);
                } else {
                    CHECK(ML_REFERENCE_NUMBER(word) == numbers[n]);
                }
                CHECK(!(word & ML_REFERENCE_WIDE));
                CHECK(ML_REFERENCE_ADDRESS(word) == addresses[a]);
                CHECK(ML_REFERENCE_HOW(word) == hows[h]);
                CHECK(++references == object->references);
            }
    CHECK(graph->reference_count == references && graph->references.count == place);
    CHECK(!graph->failed);
    ml_graph_free(graph);
}

static void test_types_and_names_are_numbered_from_one_on(void)
{
    ml_graph *graph = ml_graph_new("test");
    char text[32];
    CHECK(ml_graph_number(&graph->type_numbers, 16) == 0);
    for (uint32_t i = 1; i <= 5000; i++) {
        snprintf(text, sizeof text, "Type%u", i);
        CHECK(ml_graph_add_type(graph, (uintptr_t)i * 16, (ml_graph_type){.object = i}, text,
                                "module") == i);
        CHECK(ml_graph_add_name(graph, (uintptr_t)i * 16 + 8, text + 4, strlen(text + 4)) == i);
    }
    for (uint32_t i = 1; i <= 5000; i++) {
        CHECK(ml_graph_number(&graph->type_numbers, (uintptr_t)i * 16) == i);
        CHECK(ml_graph_number(&graph->name_numbers, (uintptr_t)i * 16 + 8) == i);
        CHECK(ml_graph_number(&graph->type_numbers, (uintptr_t)i * 16 + 8) == 0);
    }
    size_t at = 0;
    for (uint32_t i = 1; i <= 5000; i++) {
        ml_graph_type type;
        snprintf(text, sizeof text, "Type%umodule", i);
        memcpy(&type, graph->types.data + at, sizeof type);
        at += sizeof type;
        CHECK(type.object == i && type.name_bytes + type.module_bytes == strlen(text));
        CHECK(memcmp(graph->types.data + at, text, strlen(text)) == 0);
        at += strlen(text);
    }
    CHECK(at == graph->types.size && !graph->failed);
    ml_graph_free(graph);
}

static void test_texts_and_roots_stand_behind_what_they_belong_to(void)
{
    ml_graph *graph = ml_graph_new("test");
    ml_graph_add_text(graph, 4096, "called\0so", 9); /* of any bytes */
    ml_graph_add_text(graph, 8192, "", 0);
    ml_graph_text head;
    memcpy(&head, graph->texts.data, sizeof head);
    CHECK(head.address == 4096 && head.bytes == 9);
    CHECK(memcmp(graph->texts.data + sizeof head, "called\0so", 9) == 0);
    memcpy(&head, graph->texts.data + sizeof head + 9, sizeof head);
    CHECK(head.address == 8192 && head.bytes == 0);
    CHECK(graph->texts.size == 2 * sizeof head + 9);

    ml_graph_add_root(graph, (ml_graph_root){.object = 4096, .kind = ML_ROOT_LOCAL, .line = 7},
                      "name", "function", "");
    ml_graph_root root;
    memcpy(&root, graph->roots.data, sizeof root);
    CHECK(root.object == 4096 && root.kind == ML_ROOT_LOCAL && root.line == 7);
    CHECK(root.texts[0] == 4 && root.texts[1] == 8 && root.texts[2] == 0);
    CHECK(memcmp(graph->roots.data + sizeof root, "namefunction", 12) == 0);
    CHECK(graph->roots.size == sizeof root + 12);
    CHECK(ml_graph_bytes(graph) >= graph->texts.size + graph->roots.size);
    ml_graph_free(graph);
}

int main(void)
{
    test_items_do_not_move_when_more_come();
    test_a_reference_is_read_as_it_was_put_down();
    test_types_and_names_are_numbered_from_one_on();
    test_texts_and_roots_stand_behind_what_they_belong_to();
    return 0;
}
