import { autocompletion, closeBrackets, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { sql, StandardSQL, type SQLNamespace } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useImperativeHandle, useRef, type Ref } from "react";

import type { Schema } from "../data/forms";

export interface EditorHandle {
  text(): string;
  replace(text: string): void;
  insert(text: string): void;
}

const theme = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", color: "var(--text)", backgroundColor: "var(--page)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-gutters": { backgroundColor: "var(--page)", color: "var(--text-3)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--hover) 60%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
  ".cm-placeholder": { color: "var(--text-3)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--line-strong)", borderRadius: "6px", color: "var(--text)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-soft) !important", color: "var(--accent) !important" },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal" },
  ".cm-completionInfo": { padding: "6px 10px", maxWidth: "320px", fontFamily: '"Inter", sans-serif' },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "light-dark(#8a2fb5, #d09cf0)" },
  { tag: [tags.string, tags.special(tags.string)], color: "light-dark(#1f7a3d, #8fd3a0)" },
  { tag: [tags.number, tags.bool, tags.null], color: "light-dark(#a3560a, #e9b26b)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "light-dark(#1f56b3, #8db6ff)" },
]);

/** Types over what is selected. Left to itself, Chromium gives what is typed the style of what it replaces, by an attribute that the page's
 * security policy refuses, with an error in the console. */
const typeOver = EditorView.domEventHandlers({
  beforeinput: ({ inputType, data, isComposing }, view) => {
    const { from, to, empty } = view.state.selection.main;
    if (inputType !== "insertText" || data === null || isComposing || empty) {
      return false;
    }
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    // As the editor does itself: a bracket is put around what is selected.
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, data, insert))) {
      view.dispatch(insert());
    }
    return true;
  },
});

/** Views and macros with their columns, and the meaning of each, for completion. */
function namespace({ views, macros }: Schema): SQLNamespace {
  const entries = [...views.map((view) => ({ ...view, call: view.name })), ...macros.map((macro) => ({ ...macro, call: `${macro.name}()` }))];
  return Object.fromEntries(
    entries.map(({ name, call, comment, columns, signature }) => [
      name,
      {
        self: { label: name, apply: call, type: "type", info: comment, ...(signature !== name && { detail: ` ${signature}` }) },
        children: columns.map((column) => ({ label: column.name, type: "property", info: column.comment, detail: ` ${column.type}` })),
      },
    ]),
  );
}

function language(schema: Schema | undefined) {
  return sql({ dialect: StandardSQL, upperCaseKeywords: true, ...(schema && { schema: namespace(schema) }) });
}

/** The editor lies in a shadow root: there its style sheets need no exception from the page's security policy. */
export function Editor({ ref, initial, schema, onRun }: { ref: Ref<EditorHandle>; initial: string; schema: Schema | undefined; onRun: () => void }) {
  const container = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const run = useRef(onRun);
  const schemaPart = useRef(new Compartment());
  useEffect(() => {
    run.current = onRun;
  });
  useEffect(() => {
    const host = container.current;
    if (host === null) {
      return;
    }
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    root.replaceChildren();
    const parent = document.createElement("div");
    parent.style.height = "100%";
    root.append(parent);
    const created = new EditorView({
      root,
      parent,
      state: EditorState.create({
        doc: initial,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          typeOver,
          highlightActiveLine(),
          autocompletion({ icons: false }),
          placeholder("SELECT … FROM hotspots()"),
          keymap.of([
            {
              key: "Mod-Enter",
              preventDefault: true,
              run: (editor) => {
                closeCompletion(editor); // it would lie over the text, for what is not typed any more
                run.current();
                return true;
              },
            },
            ...completionKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          schemaPart.current.of(language(undefined)),
          syntaxHighlighting(colours),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "SQL query", "aria-multiline": "true" }),
          theme,
        ],
      }),
    });
    view.current = created;
    return () => {
      created.destroy();
      view.current = null;
    };
    // The text is the editor's own once it is there.
  }, []);
  useEffect(() => {
    view.current?.dispatch({ effects: schemaPart.current.reconfigure(language(schema)) });
  }, [schema]);
  useImperativeHandle(ref, () => ({
    text: () => view.current?.state.doc.toString() ?? "",
    replace: (text) => view.current?.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: text } }),
    insert: (text) => {
      view.current?.dispatch(view.current.state.replaceSelection(text));
      view.current?.focus();
    },
  }));
  return <div ref={container} className="sql-editor" />;
}
