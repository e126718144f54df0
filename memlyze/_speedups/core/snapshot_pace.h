/* When to take the next snapshot of the resident memory: often enough to explain its peak, and so
 * rarely that all snapshots together take at most about a five-hundredth of the time, however long
 * one takes. */
#ifndef MEMLYZE_SNAPSHOT_PACE_H
#define MEMLYZE_SNAPSHOT_PACE_H

#include "platform.h"

#define ML_SNAPSHOT_SHARE 500
/* May be spent at once: at the start, and after a quiet time. */
#define ML_SNAPSHOT_FIRST_CREDIT_NS 10000000
#define ML_SNAPSHOT_CREDIT_NS 50000000
#define ML_SNAPSHOT_DEBT_NS (-10000000)
#define ML_SNAPSHOT_SETTLED_TICKS 2
#define ML_SNAPSHOT_REST_NS 1000000000
#define ML_SNAPSHOT_LEAST_GROWTH ((int64_t)1 << 20)

typedef struct {
    int64_t credit_ns;
    int64_t credited_ns; /* until when */
    int64_t next_ns;     /* of those that come whatever the memory does */
    int64_t explained_bytes, last_bytes;
    int64_t last_cost_ns;
    int64_t settled_ticks; /* since memory last grew */
    bool has_begun;
} ml_snapshot_pace;

/* How much higher than all before a peak must be to be looked at. The less there is to spend, the
 * rarer: a peak that is twice as high is worth a debt, since there are few. One that lasts is worth
 * more than one that memory only passes through. */
ML_INLINE int64_t ml_snapshot_growth(const ml_snapshot_pace *pace)
{
    const int64_t bytes = pace->explained_bytes, credit_ns = pace->credit_ns;
    const bool lasts = pace->settled_ticks >= ML_SNAPSHOT_SETTLED_TICKS;
    const int64_t growth = credit_ns > 20000000 || (lasts && credit_ns > ML_SNAPSHOT_DEBT_NS)
                               ? bytes / 32
                           : credit_ns > 10000000 ? bytes / 8
                           : credit_ns > 0        ? bytes / 2
                                                  : bytes;
    return growth > ML_SNAPSHOT_LEAST_GROWTH ? growth : ML_SNAPSHOT_LEAST_GROWTH;
}

/* At each tick of the memory clock. */
ML_INLINE bool ml_snapshot_is_due(ml_snapshot_pace *pace, int64_t now_ns, int64_t resident_bytes)
{
    if (!pace->has_begun) {
        *pace = (ml_snapshot_pace){
            .credit_ns = ML_SNAPSHOT_FIRST_CREDIT_NS, .credited_ns = now_ns, .has_begun = true};
        return true;
    }
    pace->credit_ns += (now_ns - pace->credited_ns) / ML_SNAPSHOT_SHARE;
    pace->credited_ns = now_ns;
    if (pace->credit_ns > ML_SNAPSHOT_CREDIT_NS)
        pace->credit_ns = ML_SNAPSHOT_CREDIT_NS;
    pace->settled_ticks = resident_bytes <= pace->last_bytes ? pace->settled_ticks + 1 : 0;
    pace->last_bytes = resident_bytes;
    return (pace->credit_ns > 0 && now_ns >= pace->next_ns) ||
           resident_bytes >= pace->explained_bytes + ml_snapshot_growth(pace);
}

/* After one that was due; `resident_bytes` 0: it was given up. */
ML_INLINE void ml_snapshot_is_done(ml_snapshot_pace *pace, int64_t now_ns, int64_t resident_bytes,
                                   int64_t cost_ns)
{
    const int64_t half = cost_ns * 2 * ML_SNAPSHOT_SHARE; /* the other half is for peaks */
    pace->last_cost_ns = cost_ns;
    pace->credit_ns -= cost_ns;
    pace->next_ns = now_ns + (half > ML_SNAPSHOT_REST_NS ? half : ML_SNAPSHOT_REST_NS);
    if (resident_bytes > pace->explained_bytes)
        pace->explained_bytes = resident_bytes;
}

/* Of the last moment, while the program waits for the end of the recording. */
ML_INLINE bool ml_snapshot_is_worth_waiting(const ml_snapshot_pace *pace, int64_t now_ns)
{
    return pace->last_cost_ns <= ML_SNAPSHOT_CREDIT_NS || pace->last_cost_ns <= now_ns / 100;
}

#endif
