/** Of the timeline of one window: the same wherever it is asked for, so that the answer is shared. */
export const WINDOW_BUCKETS = 400;
