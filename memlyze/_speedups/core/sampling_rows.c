#include "sampling_rows.h"

#include "recorder.h"

static struct {
    ml_columns columns;
    double rate;
    uint32_t in_force, written; /* a bit each */
} rows;

void ml_sampling_rows_init(double rate)
{
    ml_columns_init(&rows.columns, ML_BLOCK_SAMPLINGS, "dfff");
    rows.rate = rate;
    rows.in_force = 1;
    rows.written = 0;
}

void ml_sampling_rows_free(void)
{
    ml_columns_free(&rows.columns);
}

void ml_sampling_rows_note(uint32_t samplings)
{
    rows.in_force |= samplings;
}

void ml_sampling_rows_look_at(ml_thread *thread)
{
    const uint8_t present = __atomic_load_n(&thread->sampling, __ATOMIC_RELAXED);
    ml_sampling_rows_note(1u << present);
    if (present > ml_pace_wished(&ml_recording.pace))
        ml_thread_take_budget(thread);
}

static bool put(uint32_t sampling)
{
    const ml_sampling *put = &ml_recording.samplings[sampling];
    if (!ml_columns_reserve_row(&rows.columns, 0))
        return false;
    ml_columns_put(&rows.columns, 0, ML_SAMPLING_ID(sampling));
    ml_columns_put_double(&rows.columns, 1, put->interval_bytes);
    ml_columns_put_double(&rows.columns, 2, rows.rate);
    ml_columns_put_double(&rows.columns, 3, (double)put->surcharge_bytes);
    return true;
}

bool ml_sampling_rows_write(ml_trace_file *file)
{
    bool done = true;
    for (uint32_t i = 0; i < ml_recording.sampling_count; i++) {
        const uint32_t bit = 1u << i;
        if (!(rows.in_force & ~rows.written & bit))
            continue;
        if (put(i))
            rows.written |= bit;
        else
            done = false;
    }
    ml_trace_file_write(file, &rows.columns);
    return done;
}

bool ml_sampling_rows_write_all(ml_trace_file *file)
{
    rows.written = 0;
    return ml_sampling_rows_write(file);
}
