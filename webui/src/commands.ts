/** What a reader of the page can type today, in the order in which they would. */

export interface Command {
  /** What the command is good for, as a phrase. */
  readonly purpose: string;
  readonly line: string;
}

export const COMMANDS: readonly Command[] = [
  { purpose: "Record a program", line: "memlyze record -o trace.mlyze app.py" },
  { purpose: "See where its memory went", line: "memlyze summary trace.mlyze" },
  {
    purpose: "Ask anything",
    line: 'memlyze query "FROM hotspots() LIMIT 5" trace.mlyze',
  },
];
