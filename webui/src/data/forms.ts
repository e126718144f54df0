/** What the page reads, generated from memlyze/web/openapi.json by scripts/write_web_forms.py. */

/** A long column of numbers; perhaps as it lies in memory. */
export type Column = ArrayLike<number>;

/** A figure and half the width of its 95 % interval. */
export interface Estimate {
  value: number;
  /** 0: exact. Where it is more than 62 % of the value there are too few samples: do not show it as precise. */
  error: number;
}

/** What went wrong, for the person who looks at the page. */
export interface Error {
  /** One sentence, or several lines for SQL: the thing, the cause and the next step. Plain text: never put it into a page as HTML. */
  error: string;
  /** What to do about it. */
  kind: "bad_request" | "not_found" | "unauthorized" | "forbidden" | "trace" | "gone" | "query" | "not_available" | "cancelled" | "busy" | "internal";
}

/** A trace that is served: one recording, with all processes of its family. */
export interface TraceEntry {
  /** What the parameter `trace` takes; stable while the file keeps its name. */
  id: string;
  /** The file's name. */
  name: string;
  /** The path of its first file. */
  path: string;
  /** Size of all its files. */
  file_bytes: number;
  /** How many files. */
  files: number;
  /** When its files last changed. */
  modified_unix_ns: number;
  /** `complete`; `live`: still being written; `cut_off`: the program was killed; `gone`: deleted or replaced by another recording while served, what is in memory is still shown; `bad`: it cannot be read, `error` says why. */
  state: "complete" | "live" | "cut_off" | "gone" | "bad";
  /** Why it cannot be read. */
  error: string | null;
  /** Grows whenever what is served of it changes; the same number is in the header Memlyze-Revision of each answer about it. */
  revision: number;
  /** Of the first process; empty where the trace does not say. */
  command_line: string;
  /** When recording began. */
  start_time_unix_ns: number | null;
  /** Whether the command line names it; the others stand in a folder. Those that are named come first, in its order, then the others, the newest first. */
  is_named: boolean;
}

/** A process of the trace. */
export interface Process {
  process_id: number;
  parent_process_id: number;
  started_by: string | null;
  ended_by: string | null;
  path: string;
  command_line: string;
  python_version: string;
  start_ns: number;
  /** When it ended, or the last that is known of it. */
  end_ns: number;
  peak_rss: number | null;
  samples: number;
  bytes: Estimate;
}

/** A thread. */
export interface Thread {
  thread_id: number;
  process_id: number;
  os_thread_id: number;
  name: string | null;
  start_ns: number;
  end_ns: number | null;
}

/** What a trace covers, what it lacks, and what recording cost. */
export interface Info {
  trace: TraceEntry;
  /** The time line is 0 … duration_ns. Of a live trace it grows. */
  duration_ns: number;
  /** What whoever reads any figure must know, one sentence each: cut off, damaged, events dropped. Show all. */
  notes: string[];
  /** What could not be read. */
  damage: string[];
  /** Whether every allocation was recorded: then all errors are 0. */
  is_exact: boolean;
  /** Rows of `allocations`. */
  samples: number;
  allocations: Estimate;
  bytes: Estimate;
  live_bytes: Estimate;
  peak_rss: Peak | null;
  /** When most was live of the allocations of all processes together; null: there are none. */
  peak_live_ns: number | null;
  peak_live_bytes: Estimate;
  /** As recorded. */
  sampling: {
    sample_rate: number | null;
    /** The widest that was in force; null: all was recorded. */
    sample_interval_bytes: number | null;
    /** The closest: less than the widest where the interval went by the program's pace. */
    closest_interval_bytes: number | null;
    /** What there may be, with a probability of 5 %, where nothing was recorded. */
    unseen_bytes: number;
  };
  /** What happened in the program and is not in the trace: counts. */
  losses: {
    too_slow: number;
    in_fork: number;
    for_memory: number;
    calls_unrecorded: number;
  };
  /** What recording cost. */
  cost: {
    file_bytes: number;
    peak_bytes: number | null;
    writer_cpu_ns: number | null;
    waits: number | null;
    wait_ns: number | null;
  };
  /** The garbage collector. */
  collections: {
    runs: number;
    duration_ns: number;
    collected: number;
  };
  /** `NAME in FILE` of allocators whose blocks cannot be seen. */
  invisible_allocators: string[];
  /** In the order of their start. */
  processes: Process[];
  /** In the order in which they were met. */
  threads: Thread[];
  /** What the first file says about itself, by key. */
  metadata: Record<string, unknown>;
  /** Which views have anything to show. */
  has: {
    /** windows */
    windows: boolean;
    /** collector runs */
    collections: boolean;
    /** snapshots of what the resident memory consists of */
    resident: boolean;
    /** heap graphs */
    checkpoints: boolean;
    /** source code stored in the trace */
    source: boolean;
  };
  /** Time between ticks of the memory clock. */
  memory_interval_ns: number | null;
}

/** A greatest reading. */
export interface Peak {
  bytes: number;
  time_ns: number;
  process_id: number;
}

/** Least and greatest value in each bucket; null where the clock did not tick in it (draw a line through). */
export interface Range {
  /** bytes */
  min: (number | null)[];
  /** bytes */
  max: (number | null)[];
}

/** Memory over time, cut into buckets of equal width. All arrays have one entry a bucket. Of several processes, their figures are summed. */
export interface Timeline {
  from_ns: number;
  to_ns: number;
  /** Width. */
  bucket_ns: number;
  /** Start of each bucket. */
  start_ns: number[];
  rss: Range;
  /** Least and greatest that was live at any moment of the bucket, counted from the allocations, and half the width of the 95 % interval of the greatest. Of what was chosen. */
  heap_live: {
    /** bytes */
    min: (number | null)[];
    /** bytes */
    max: (number | null)[];
    /** bytes; 0: exact */
    error: (number | null)[];
  };
  /** Greatest of what the recorder itself held; no part of `rss`. */
  tracer_bytes: (number | null)[];
  /** Allocated in the bucket. */
  allocated_bytes: number[];
  /** half width */
  allocated_error: number[];
  /** Freed in the bucket. */
  freed_bytes: number[];
  /** half width */
  freed_error: number[];
  /** Live at the end of the bucket, counted from the allocations. Of what was chosen. */
  live_bytes: number[];
  /** half width */
  live_error: number[];
  /** Number allocated in the bucket. */
  allocations: number[];
  /** The greatest resident memory and the greatest live heap within the range; the latter of what was chosen. */
  peaks: ({
    time_ns: number;
    bytes: number;
    /** of what */
    kind: "rss" | "heap_live";
  })[];
}

/** What the resident memory consisted of, at each moment of the range at which something else is known: its snapshots, the ends of processes while others went on, and the start of the range where there was a snapshot before it (of several processes: each its last snapshot as long as it runs, summed). */
export interface Resident {
  /** Those moments. */
  time_ns: number[];
  /** Greatest first; they add up to the resident memory. */
  categories: ({
    category: string;
    /** In words. */
    label: string;
    /** One a moment, until the next. */
    resident_bytes: number[];
    /** One a moment, until the next. */
    reserved_bytes: number[];
  })[];
}

/** A place in the program. Which fields are null depends on what was grouped by. */
export interface Place {
  function: string | null;
  file: string | null;
  line: number | null;
  module: string | null;
  /** Whose code it is. */
  origin: "program" | "library" | "standard library" | "runtime" | null;
}

/** Live heap over time, split by where it was allocated. */
export interface Stacked {
  from_ns: number;
  to_ns: number;
  bucket_ns: number;
  /** Start of each bucket. */
  start_ns: number[];
  /** Greatest first. */
  layers: ({
    label: string;
    place: Place;
    /** Of each bucket at the moment at which most was live in all: together they are what the timeline has as its greatest. */
    live_bytes: number[];
    /** half width */
    error: number[];
  })[];
  /** All else. */
  other: {
    /** bytes */
    live_bytes: number[];
    /** half width */
    error: number[];
  };
}

/** What happened beside the memory, for the lanes below the timeline. Columns: arrays of one length. */
export interface Lanes {
  /** Collector runs. Where there are more than `marks`, neighbours are merged: `count` says how many one stands for, `duration_ns` is their sum, `generation` the greatest. */
  gc: {
    time_ns: number[];
    duration_ns: number[];
    generation: number[];
    collected: number[];
    count: number[];
    process_id: number[];
  };
  /** Windows that overlap the range. Where there are more than `marks`, the longest; `total` says how many there are. */
  windows: {
    total: number;
    window_id: number[];
    parent_id: (number | null)[];
    kind: string[];
    name: string[];
    start_ns: number[];
    /** null: open when recording ended */
    end_ns: (number | null)[];
    /** Row of the lane, from 0, so that none overlap. */
    row: number[];
    thread_id: (number | null)[];
    process_id: number[];
  };
  threads: Thread[];
  processes: Process[];
  checkpoints: ({
    time_ns: number;
    pause_ns: number | null;
    objects: number;
    process_id: number;
  })[];
}

/** A frame. */
export interface Frame {
  function: string;
  file: string;
  /** 0: unknown, or merged by function. */
  line: number;
  module: string | null;
  language: "python" | "native";
  origin: string;
}

/** A tree of frames as columns. Node 0 is the root; parents stand before their children, and children are in order of bytes, greatest first. */
export interface Flamegraph {
  mode: string;
  from_ns: number;
  to_ns: number;
  at_ns: number | null;
  merge: string;
  /** Innermost frames at the root. */
  is_inverted: boolean;
  /** `bytes` may be negative: this side less the base. */
  is_difference: boolean;
  total: Estimate;
  allocations: number;
  samples: number;
  /** of `total`: its error is more than 62 % of it */
  has_too_few_samples: boolean;
  base_total: Estimate | null;
  /** Each once. */
  frames: Frame[];
  /** One entry a node. */
  nodes: {
    /** Index of the parent; -1 of the root. */
    parent: Column;
    /** Index into `frames`; -1 of the root, -2 of `(other)`: nodes too small to be sent, merged. */
    frame: Column;
    /** With its children. */
    bytes: Column;
    /** Half width of the 95 % interval. */
    error: Column;
    /** Without its children; of a difference the change of it. */
    self_bytes: Column;
    /** Half width of the 95 % interval. */
    self_error: Column;
    /** With its children. */
    allocations: Column;
    /** Half the width of the 95 % interval. */
    allocations_error: Column;
    /** Recorded rows. */
    samples: Column;
    /** Index of the node at which a row begins that stands for several frames outside of the program, one beneath the other, until somebody unfolds it; -1 of a node that is not in one. */
    fold: Column;
    /** Of a difference: what the base has; else absent. */
    base_bytes?: Column;
  };
  /** What a row of several frames is called, by the index of the node at which it begins. */
  rows: Record<string, string>;
  /** The `(other)` nodes: how many there are, and what they have. */
  omitted: {
    nodes: number;
    bytes: number;
  };
}

/** Bytes by place and time. Row-major: `values[row * buckets + bucket]`. */
export interface SiteHeatmap {
  from_ns: number;
  to_ns: number;
  bucket_ns: number;
  start_ns: number[];
  measure: string;
  /** Greatest first. */
  rows: ({
    label: string;
    place: Place;
    /** Allocated in all; or the most that was live. */
    bytes: number;
  })[];
  /** bytes */
  values: number[];
  /** samples */
  samples: number[];
  /** Of places not shown. */
  other_bytes: number;
}

/** Allocations by size and lifetime. Row-major: `bytes[size * lifetimes + lifetime]`. */
export interface LifetimeHeatmap {
  /** Classes, smallest first; powers of two; the end is not included. */
  sizes: ({
    from_bytes: number;
    to_bytes: number | null;
  })[];
  /** Classes, shortest first; the last is `still live` (null, null). */
  lifetimes: ({
    label: string;
    from_ns: number | null;
    to_ns: number | null;
  })[];
  bytes: number[];
  allocations: number[];
  samples: number[];
}

/** A source file that allocated. */
export interface SourceFile {
  file: string;
  origin: string;
  allocated: Estimate;
  live: Estimate;
  samples: number;
}

/** Code with bytes per line. */
export interface Source {
  file: string;
  /** Whether `lines` is the code that ran: `stored` in the trace; `unchanged` on disk by its hash; `unverified`: from disk, last changed before the recording; `changed` since; `missing`; `not_a_file` (such as `<string>`); `withheld`: the file may not be read. */
  state: "stored" | "unchanged" | "unverified" | "changed" | "missing" | "not_a_file" | "withheld";
  /** In words: show it. */
  reason: string;
  /** The code; null where it cannot be shown. */
  lines: string[] | null;
  /** By line. `allocated` counts what functions called from the line allocated too; `…_self` only the line's own. */
  figures: ({
    line: number;
    functions: string[];
    allocated: Estimate;
    allocated_self: Estimate;
    live: Estimate;
    allocations: Estimate;
    samples: number;
    has_too_few_samples: boolean;
  })[];
  total: Estimate;
}

/** A group of allocations. */
export interface Hotspot {
  label: string;
  place: Place;
  inner: Place | null;
  allocated: Estimate;
  allocations: Estimate;
  live: Estimate;
  peak: Estimate;
  temporary: Estimate;
  mean_lifetime_ns: number | null;
  samples: number;
  has_too_few_samples: boolean;
}

/** The greatest groups. */
export interface Hotspots {
  by: string;
  sort: string;
  rows: Hotspot[];
  total: Estimate;
  /** How many there are in all. */
  groups: number;
  /** The moment that `peak` is of: `at_ns`, or when most was live. */
  peak_ns: number;
}

/** What was born in a range, and what of it is still alive at `at_ns` (default: the end of the trace). */
export interface Spike {
  from_ns: number;
  to_ns: number;
  at_ns: number;
  born: Estimate;
  alive: Estimate;
  born_allocations: Estimate;
  alive_allocations: Estimate;
  samples: number;
  has_too_few_samples: boolean;
  /** Greatest first. */
  sites: ({
    label: string;
    place: Place;
    inner: Place | null;
    born: Estimate;
    alive: Estimate;
    samples: number;
    has_too_few_samples: boolean;
    /** The stack that most of it came from, innermost first. */
    stack: Frame[];
  })[];
}

/** What the windows of a name leave behind in the whole recording, not those asked for alone. */
export interface WindowGrowth {
  bytes_per_window: Estimate;
  /** How many were judged. */
  windows: number;
  verdict: "grows" | "steady" | "unknown";
}

/** All windows of one name and kind. */
export interface WindowName {
  name: string;
  kind: string;
  windows: number;
  allocated: Estimate;
  mean_allocated: Estimate;
  max_allocated_bytes: number;
  retained: Estimate;
  live: Estimate;
  growth: WindowGrowth;
  mean_duration_ns: number | null;
  max_duration_ns: number | null;
  samples: number;
  /** At 0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99 and 1. */
  quantiles: {
    q: number[];
    allocated_bytes: (number | null)[];
    retained_bytes: (number | null)[];
    duration_ns: (number | null)[];
  };
}

/** Windows as columns, for the scatter of allocated against retained. */
export interface Windows {
  total: number;
  window_id: number[];
  parent_id: (number | null)[];
  kind: string[];
  name: string[];
  start_ns: number[];
  duration_ns: (number | null)[];
  allocated_bytes: number[];
  allocated_error: number[];
  retained_bytes: number[];
  retained_error: number[];
  samples: number[];
  thread_id: (number | null)[];
  process_id: number[];
}

/** One window with its own timeline. */
export interface Window {
  window_id: number;
  parent_id: number | null;
  kind: string;
  name: string;
  start_ns: number;
  end_ns: number | null;
  thread_id: number | null;
  process_id: number;
  attributes: Record<string, unknown> | null;
  allocated: Estimate;
  own_allocated: Estimate;
  retained: Estimate;
  live: Estimate;
  allocations: number;
  samples: number;
  /** In order of start; at most 1000. */
  children: ({
    window_id: number;
    name: string;
    kind: string;
    start_ns: number;
    end_ns: number | null;
    allocated: Estimate;
  })[];
  /** Within the window, inner windows included. */
  timeline: {
    start_ns: number[];
    bucket_ns: number;
    allocated_bytes: number[];
    /** Of what the window allocated, at the end of each bucket. */
    live_bytes: number[];
    /** Of what the window allocated, the most at any moment of each bucket. */
    greatest_live_bytes: number[];
  };
  /** Greatest first, at most 50. */
  sites: ({
    label: string;
    place: Place;
    allocated: Estimate;
    retained: Estimate;
    samples: number;
  })[];
}

/** What can be queried. */
export interface Schema {
  views: Definition[];
  macros: Definition[];
  /** Names for completion. */
  functions: string[];
  /** Names for completion. */
  keywords: string[];
  /** From the documentation; each runs as it is. */
  examples: ({
    title: string;
    sql: string;
  })[];
  /** Of the console. */
  limits: {
    /** Rows that a result holds; `download` has all. */
    rows: number;
    /** Rows that come with the first answer. */
    page_rows: number;
    /** Rows that can be asked for at once. */
    most_page_rows: number;
    memory_bytes: number;
    seconds: number;
  };
}

/** A view or macro. */
export interface Definition {
  name: string;
  signature: string;
  comment: string;
  parameters: ({
    name: string;
    comment: string;
  })[];
  columns: ({
    name: string;
    comment: string;
    /** DuckDB type; empty where it is not known. */
    type: string;
  })[];
}

/** A finished query. */
export interface SqlResult {
  query_id: string;
  columns: ({
    name: string;
    /** DuckDB type, such as BIGINT. */
    type: string;
  })[];
  /** Rows held. */
  row_count: number;
  /** Whether there were more than `limits.rows`. */
  is_truncated: boolean;
  elapsed_ns: number;
  page: SqlPage;
}

/** Some rows, as columns. */
export interface SqlPage {
  offset: number;
  row_count: number;
  /** In order of the columns. */
  columns: (unknown[])[];
}

/** The form of `memlyze leaks --json`. */
export type Leaks = Record<string, unknown>;

/** The form of `memlyze diff --json`. */
export type Compare = Record<string, unknown>;

/** The routes below /api that are read: what each takes, and what it answers. */
export interface Routes {
  /** The traces that are served. */
  "traces": {
    takes: Record<string, never>;
    answers: {
      /** In the order in which they were given; of a folder, the newest first. */
      traces: TraceEntry[];
      /** Of memlyze. */
      version: string;
    };
  };
  /** This description. */
  "openapi.json": {
    takes: Record<string, never>;
    answers: Record<string, unknown>;
  };
  /** What a trace covers, lacks and cost. */
  "info": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
    };
    answers: Info;
  };
  /** Memory over time, min and max a bucket. */
  "timeline": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** How many buckets at most: pixels of the picture. */
      buckets?: number;
    };
    answers: Timeline;
  };
  /** What explains the resident memory, over time. */
  "timeline/resident": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
    };
    answers: Resident;
  };
  /** Live heap over time by place. */
  "timeline/stacked": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** How many buckets at most: pixels of the picture. */
      buckets?: number;
      /** What a layer is. */
      by?: "site" | "line" | "function" | "file" | "module";
      /** How many layers. */
      top?: number;
    };
    answers: Stacked;
  };
  /** Collector runs, windows, threads, processes, checkpoints. */
  "lanes": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** How many collector runs and windows at most. */
      marks?: number;
    };
    answers: Lanes;
  };
  /** Stacks as a tree. */
  "flamegraph": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** The moment of the cursor. Default: the end of the trace. */
      at_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** `allocated` in the range; `live` at `at_ns`; `born_alive`: allocated in the range and not freed by `at_ns`; `difference`: live at `at_ns` less live at `base_at_ns`; with `base`, `measure` of this trace less that of the other. */
      mode?: "allocated" | "live" | "born_alive" | "difference";
      /** Of a difference: another trace, the earlier one. Stacks are then compared by module and function, without lines; of the selection only the process counts. */
      base?: string;
      /** Of a difference of two traces: live when most was, not freed at the end, or allocated. */
      measure?: "peak" | "live" | "allocated";
      /** Of a difference of two moments: the earlier one. Default: 0. */
      base_at_ns?: number;
      /** What makes two frames the same. */
      merge?: "function" | "line";
      /** Innermost frames at the root. */
      inverted?: boolean;
      /** The greatest nodes are sent; the others are summed up in `(other)`. */
      max_nodes?: number;
    };
    answers: Flamegraph;
  };
  /** Bytes by place and time. */
  "heatmap/sites": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** How many buckets at most: pixels of the picture. */
      buckets?: number;
      /** What a row is. */
      by?: "site" | "line" | "function" | "file" | "module";
      /** Allocated in the bucket, or the most that was live at any moment of it: of other places at other moments. */
      measure?: "allocated" | "live";
      /** How many rows. */
      top?: number;
    };
    answers: SiteHeatmap;
  };
  /** Allocations by size and lifetime. */
  "heatmap/lifetimes": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
    };
    answers: LifetimeHeatmap;
  };
  /** Code with bytes per line. */
  "source": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** The moment of the cursor. Default: the end of the trace. */
      at_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** Path as in `frames`. */
      file: string;
    };
    answers: Source;
  };
  /** Source files that allocated. */
  "source/files": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** The moment of the cursor. Default: the end of the trace. */
      at_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** How many rows at most. */
      limit?: number;
    };
    answers: {
      /** Greatest first. */
      files: SourceFile[];
    };
  };
  /** The greatest groups of allocations. */
  "hotspots": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** The moment of the cursor. Default: the end of the trace. */
      at_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** How many rows at most. */
      limit?: number;
      /** What a row is. */
      by?: "site" | "line" | "function" | "file" | "module" | "thread" | "process" | "window" | "type";
      /** Greatest first by this. */
      sort?: "allocated" | "live" | "peak" | "temporary" | "allocations" | "lifetime";
    };
    answers: Hotspots;
  };
  /** What was born in a range, and what of it is alive. */
  "spike": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** The moment of the cursor. Default: the end of the trace. */
      at_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only what was allocated in this window and the windows inside it. */
      window_id?: number;
      /** How many rows at most. */
      limit?: number;
    };
    answers: Spike;
  };
  /** Suspects, with verdict, evidence and holders. */
  "leaks": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Only this process. */
      process_id?: number;
      /** How many rows at most. */
      limit?: number;
    };
    answers: Leaks;
  };
  /** Windows as columns. */
  "windows": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** Only windows of this name. */
      name?: string;
      /** Only windows of this kind. */
      kind?: string;
      /** The greatest by allocated bytes are sent. */
      marks?: number;
    };
    answers: Windows;
  };
  /** Windows by name, with distributions. */
  "windows/names": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Start of the range, in nanoseconds since the start of the trace. Default: 0. */
      from_ns?: number;
      /** End of the range, not included. Default: the end of the trace. */
      to_ns?: number;
      /** Only this process. */
      process_id?: number;
      /** Only what this thread allocated. */
      thread_id?: number;
      /** How many rows at most. */
      limit?: number;
    };
    answers: {
      /** Greatest first. */
      names: WindowName[];
      /** How many names there are, of which `names` has those that allocated most. */
      total: number;
      /** What was allocated in no window, of the chosen range, process and thread. */
      outside: {
        allocated: Estimate;
        /** Not freed when recording ended. */
        live: Estimate;
        /** Of all that was allocated, in windows or not; from 0 to 1. */
        share: number;
      };
    };
  };
  /** One window with its own timeline. */
  "windows/{window_id}": {
    takes: {
      window_id: number;
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** How many buckets at most: pixels of the picture. */
      buckets?: number;
    };
    answers: Window;
  };
  /** What differs between two traces. */
  "compare": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
      /** Only this process. */
      process_id?: number;
      /** How many rows at most. */
      limit?: number;
      /** The trace to compare with: the earlier one. */
      base: string;
      /** What a row is. */
      by?: "function" | "stack" | "module";
      /** What rows compare. */
      measure?: "peak" | "live" | "allocated" | "allocations";
    };
    answers: Compare;
  };
  /** What can be queried. */
  "schema": {
    takes: {
      /** Which trace: an `id` of /api/traces. Default: the first. */
      trace?: string;
    };
    answers: Schema;
  };
  /** Some rows of a finished query. */
  "sql/{query_id}": {
    takes: {
      query_id: string;
      /** First row. */
      offset?: number;
      /** How many rows. */
      limit?: number;
    };
    answers: SqlPage;
  };
}
