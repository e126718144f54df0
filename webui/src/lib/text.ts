/** Names as they can be shown: whatever a program calls its functions and files. */

const LONGEST = 300;
const LONGEST_LINE = 2000;

function harmless(text: string, longest: number): string {
  const shortened = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return shortened
    .replace(/[\u0000-\u001f]/g, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "�");
}

/** Control characters as visible symbols, marks that turn the direction of text out of effect, and not too long. */
export function visible(text: string): string {
  return harmless(text, LONGEST);
}

/** A line of source code, in the same way; tabs stay. */
export function visibleCode(line: string): string {
  return line.split("\t").map((part) => harmless(part, LONGEST_LINE)).join("\t");
}

/** The end of a path that tells it from others: `package/module.py`. */
export function shortPath(file: string, parts = 2): string {
  const names: string[] = [];
  for (const name of file.split(/[/\\]/).filter(Boolean)) {
    // Python calls what was started as `../worker.py` by that name behind its folder's.
    if (name === ".." && names.length > 0) {
      names.pop();
    } else {
      names.push(name);
    }
  }
  return names.length <= parts && !file.includes("..") ? file : names.slice(-parts).join("/");
}

/** What traces call the function and the file of what was allocated while no Python code ran. */
const UNKNOWN = "<unknown>";
const NO_PYTHON = "(no Python code)";

export const NO_PYTHON_HELP =
  "Allocated while no Python function was running: while the interpreter began or ended, or by a thread of a library";

export function isNoPython(name: string | null): boolean {
  return name === UNKNOWN;
}

/** What the analysis of leaks calls the functions, and the files, of lines that grow together. */
const SEVERAL_FUNCTIONS = "<several functions>";
const SEVERAL_FILES = "<several files>";

/** A name of a group of places, in words where it has none. */
export function groupName(label: string): string {
  return isNoPython(label) ? NO_PYTHON : label === SEVERAL_FUNCTIONS ? "several functions" : label;
}

/** `app/views.py:31`, with as much of it as there is; empty where no Python code ran. */
export function shortPlace(file: string, line: number | null): string {
  if (file === SEVERAL_FILES) {
    return "of several files";
  }
  return isNoPython(file) ? "" : `${shortPath(visible(file))}${line !== null && line > 0 ? `:${line}` : ""}`;
}

/** `Session.login` of `Service.login.<locals>.<listcomp>`: without the markers of nesting. */
export function shortFunction(name: string): string {
  return groupName(name).replaceAll(".<locals>", "");
}

/** `<module>`, `<lambda>` and their like: each file has one. */
const UNNAMED = /^<\w+>$/;

const BEFORE_LIBRARIES = /^.*[/\\](?:(?:site|dist)-packages|lib(?:64)?[/\\]python\d+\.\d+t?)[/\\]/;
const LIBRARY_PARTS = 3;

/** `django/http/response.py`: of a library, from its package on, as far as it is not too long; else the end of the path. */
function shortFile(file: string): string {
  const within = file.replace(BEFORE_LIBRARIES, "");
  return within === file ? shortPath(file) : shortPath(within, LIBRARY_PARTS);
}

/**
 * What a frame may be called, the longest first: `Session.login`; of those without a name of their own, which every file has,
 * `<module> http/response.py`, `<module> response.py` and, as a module is its file, `response.py`.
 */
export function frameLabels({ function: name, file }: { readonly function: string; readonly file: string }): string[] {
  if (!UNNAMED.test(name) || isNoPython(name) || file === "" || isNoPython(file)) {
    return [shortFunction(name)];
  }
  const path = shortFile(file);
  const end = shortPath(path, path.endsWith("__init__.py") ? 2 : 1);
  return [`${name} ${path}`, `${name} ${end}`, ...(name === "<module>" ? [end] : [])];
}

/** A frame in full: `Session.login`, `<module> http/response.py`. */
export function frameLabel(frame: { readonly function: string; readonly file: string }): string {
  return frameLabels(frame)[0] ?? "";
}

interface PlaceName {
  readonly function: string | null;
  readonly file: string | null;
  readonly line: number | null;
}

/** One line that says what a place is: `Service.login:83`, `<module> shop.py:20`, or the label where it has no line; with so many parts of its file's path. */
export function placeLabel(label: string, { function: name, file, line }: PlaceName, parts = 0): string {
  if (name === null) {
    return visible(groupName(label));
  }
  const shown = UNNAMED.test(name) ? Math.max(parts, 1) : parts;
  const where = file !== null && shown > 0 && !isNoPython(name) ? ` ${shortPath(file, shown)}` : "";
  return visible(`${shortFunction(name)}${where}${line ? `:${line}` : ""}`);
}

const MOST_PARTS = 12;

/** The labels of places that stand together, each with as much of its file's path as tells it from the others. */
export function placeLabels(places: readonly { readonly label: string; readonly place: PlaceName }[]): string[] {
  const named = (parts: number) => places.map(({ label, place }) => placeLabel(label, place, parts));
  const isShared = (name: string, _index: number, names: readonly string[]) => names.indexOf(name) !== names.lastIndexOf(name);
  let names = named(0);
  for (let parts = 1; parts <= MOST_PARTS && names.some(isShared); parts += 1) {
    const longer = named(parts);
    names = names.map((name, index) => (isShared(name, index, names) ? (longer[index] ?? name) : name));
  }
  return names;
}
