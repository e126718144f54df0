/* A small coverage-guided fuzzer, for machines without libFuzzer: mutates inputs, and keeps those
 * that reach code which none before them has reached. Deterministic for a seed. Included by a
 * target that defines LLVMFuzzerTestOneInput. */
enum { INPUT_LIMIT = 4096, POOL_LIMIT = 4096, MAP_BYTES = 1 << 16 };

static struct {
    uint8_t *data;
    size_t size;
} pool[POOL_LIMIT];
static size_t pool_size;

/* How often an edge was taken: in this run, by powers of two; and in all runs, as bits of those
 * powers. */
static uint8_t taken_now[MAP_BYTES], taken_ever[MAP_BYTES];
static uintptr_t last_place;
static uint64_t random_state;

/* Called by code that is compiled with -fsanitize-coverage=trace-pc. */
void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    uint8_t *taken = &taken_now[(place ^ last_place << 1) % MAP_BYTES];
    *taken += *taken < 255;
    last_place = place;
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t below(size_t limit)
{
    return limit == 0 ? 0 : (size_t)(next_random() % limit);
}

static size_t mutate(uint8_t *data, size_t size)
{
    static const uint8_t interesting[] = {0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff};
    for (size_t times = 1 + below(4); times > 0; times--) {
        size_t at = below(size);
        size_t length = 1 + below(size - at < 16 ? size - at : 16);
        switch (below(7)) {
        case 0:
            data[at] ^= (uint8_t)(1u << below(8));
            break;
        case 1:
            data[at] = interesting[below(sizeof interesting)];
            break;
        case 2:
            data[at] = (uint8_t)(data[at] + below(7) - 3);
            break;
        case 3: /* take bytes away */
            if (size > length + 1) {
                memmove(data + at, data + at + length, size - at - length);
                size -= length;
            }
            break;
        case 4: /* repeat bytes */
            if (at + length <= size && size + length <= INPUT_LIMIT) {
                memmove(data + at + length, data + at, size - at);
                size += length;
            }
            break;
        case 5: /* copy bytes from another place */
            memmove(data + at, data + below(size - length + 1), at + length <= size ? length : 0);
            break;
        default: { /* go on with the rest of another input */
            size_t other = below(pool_size);
            size_t from = below(pool[other].size);
            size_t rest = pool[other].size - from;
            rest = rest < INPUT_LIMIT - at ? rest : INPUT_LIMIT - at;
            memcpy(data + at, pool[other].data + from, rest);
            size = at + rest > 0 ? at + rest : 1;
        }
        }
    }
    return size;
}

/* Run an input of its own size on the heap, and keep it where it is new. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *input = malloc(size);
    REQUIRE(input != NULL);
    memcpy(input, data, size);
    memset(taken_now, 0, sizeof taken_now);
    LLVMFuzzerTestOneInput(input, size);
    bool is_new = false;
    for (size_t k = 0; k < MAP_BYTES; k++) {
        if (taken_now[k] != 0) {
            uint8_t power = (uint8_t)(1u << (31 - __builtin_clz(taken_now[k])));
            is_new |= (taken_ever[k] & power) == 0;
            taken_ever[k] |= power;
        }
    }
    if (is_new && pool_size < POOL_LIMIT) {
        pool[pool_size].data = input;
        pool[pool_size++].size = size;
    } else {
        free(input);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s ITERATIONS SEED FILE...\n", argv[0]);
        return 2;
    }
    static uint8_t data[INPUT_LIMIT];
    long iterations = atol(argv[1]);
    random_state = strtoull(argv[2], NULL, 10) * 2 + 1;
    for (int k = 3; k < argc; k++) {
        FILE *file = fopen(argv[k], "rb");
        REQUIRE(file != NULL);
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        REQUIRE(size > 0);
        run(data, size);
    }
    size_t given = pool_size;
    REQUIRE(given > 0);
    for (long k = 0; k < iterations; k++) {
        size_t chosen = below(pool_size);
        memcpy(data, pool[chosen].data, pool[chosen].size);
        run(data, mutate(data, pool[chosen].size));
    }
    size_t edges = 0;
    for (size_t k = 0; k < MAP_BYTES; k++) {
        edges += taken_ever[k] != 0;
    }
    printf("%ld inputs run, %zu kept beyond %zu given, %zu edges reached\n", iterations,
           pool_size - given, given, edges);
    while (pool_size > 0) {
        free(pool[--pool_size].data);
    }
    return 0;
}
