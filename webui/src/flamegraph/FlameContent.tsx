import { ClipboardCopy, FileCode2, Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";

import { ChangeText } from "../compare/ChangeText";
import type { Estimate, Flamegraph, Frame, Place } from "../data/forms";
import { useTrace } from "../data/trace";
import { ORIGIN_LEGEND } from "../lib/origins";
import { shortFunction, visible } from "../lib/text";
import { formatBytes, formatBytesChange, formatError, formatShare, plural } from "../lib/units";
import { EstimateBar, EstimateText, isFile, PlaceText, useSourceLink } from "../parts/Figures";
import { Message } from "../parts/States";
import { Table } from "../parts/Table";
import { select, useSelection, useSetting, useTypedSetting } from "../selection/store";
import { byFrame } from "./byFrame";
import { FlameGraph } from "./FlameGraph";
import { nodeFacts, nodePlace, nodeTitle, stackText } from "./nodeText";
import { findMatches, type Matches } from "./search";
import { SHAPES } from "./ShapeChoice";
import { ancestry, frameOf, layOut, nodeOfPath, pathOf, type FlameTree } from "./tree";
import "./flamegraph.css";

/** A call tree with its search, its way to the zoomed node, and what is known of the frame in focus. */
export function FlameContent({ form }: { form: Flamegraph }) {
  const [unfold, setUnfold] = useSetting<string>("unfold", "");
  const tree = useMemo(() => layOut(form, unfold === "all" ? "all" : new Set(unfold.split(","))), [form, unfold]);
  const [shape] = useSetting("shape", "icicle", SHAPES);
  const [search, setSearch] = useTypedSetting("search");
  const path = useSelection((selection) => selection.settings.frame);
  const zoom = useMemo(() => nodeOfPath(tree, path), [tree, path]);
  const [focus, setFocus] = useState(0);
  const searchField = useRef<HTMLInputElement>(null);
  const matches = useMemo(() => (search === "" ? null : findMatches(tree, search)), [tree, search]);
  useEffect(() => setFocus(zoom), [tree, zoom]);
  const hasFolds = useMemo(() => Array.from(form.nodes.fold).some((row) => row >= 0), [form]);
  const zoomTo = (node: number) => {
    if (tree.folds.has(node)) {
      setUnfold([unfold, pathOf(tree, node)].filter(Boolean).join());
    } else {
      select({ settings: { frame: node === 0 ? null : pathOf(tree, node) } });
    }
  };
  const copy = (node: number) => void navigator.clipboard.writeText(stackText(tree, node));

  if (form.samples === 0) {
    return <NothingToDraw form={form} />;
  }
  return (
    <>
      <div className="flame-bar">
        <label className="flame-search">
          <Search size={14} aria-hidden="true" />
          <span className="visually-hidden">Search functions and files</span>
          <input
            ref={searchField}
            type="search"
            className="input"
            placeholder="Search, or /regular expression/"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </label>
        <MatchText search={search} matches={matches} total={form.total.value} />
        <Breadcrumbs tree={tree} zoom={zoom} onZoom={zoomTo} />
        {hasFolds && shape !== "table" && (
          <button
            type="button"
            className="button flame-fold"
            aria-pressed={unfold !== "all"}
            title="One row for servers and frameworks that lead to code of the program"
            onClick={() => setUnfold(unfold === "all" ? "" : "all")}
          >
            Fold libraries
          </button>
        )}
      </div>
      {shape === "table" ? (
        <FrameTable tree={tree} />
      ) : (
        <FlameGraph
          tree={tree}
          rootLabel={rootLabel(form)}
          isUpward={shape === "flame"}
          matches={matches}
          zoom={zoom}
          onZoom={zoomTo}
          focus={Math.min(focus, tree.count - 1)}
          onFocus={setFocus}
          onCopy={copy}
          onSearch={() => searchField.current?.focus()}
        />
      )}
      <FrameBar tree={tree} node={Math.min(focus, tree.count - 1)} onCopy={copy} />
    </>
  );
}

function rootLabel({ total, is_difference, mode }: Flamegraph): string {
  const figure = `${is_difference ? formatBytesChange(total.value) : formatBytes(total.value)} ${formatError(total)}`.trim();
  return `${{ allocated: "Allocated", live: "Live", born_alive: "Born here, still alive" }[mode] ?? "Change"}: ${figure}`;
}

function NothingToDraw({ form }: { form: Flamegraph }) {
  const { info } = useTrace();
  if (form.mode === "difference") {
    return <Message title="Nothing differs">Neither side has anything that was sampled: choose another moment, or another trace.</Message>;
  }
  const what = form.mode === "allocated" ? "Nothing was allocated here" : form.mode === "live" ? "Nothing was live at this moment" : "Nothing of it is alive";
  return (
    <Message title={what}>
      {info.is_exact
        ? "Choose a longer stretch or another moment on the timeline above, or clear the selection."
        : "Or nothing of it was sampled: choose a longer stretch, clear the selection, or record with a smaller --sample-interval."}
    </Message>
  );
}

function MatchText({ search, matches, total }: { search: string; matches: Matches | null; total: number }) {
  return (
    <span className="flame-matches" role="status">
      {search === ""
        ? ""
        : matches === null
          ? "Not a valid regular expression"
          : `${plural(matches.nodes, "frame")}, ${formatBytes(matches.bytes)}${total > 0 ? ` (${formatShare(matches.bytes / total)})` : ""}`}
    </span>
  );
}

const MOST_CRUMBS = 6;

function Breadcrumbs({ tree, zoom, onZoom }: { tree: FlameTree; zoom: number; onZoom: (node: number) => void }) {
  if (zoom === 0) {
    return null;
  }
  const way = ancestry(tree, zoom);
  const shown = way.length > MOST_CRUMBS ? [0, ...way.slice(1 - MOST_CRUMBS)] : way;
  return (
    <nav className="crumbs" aria-label="Zoomed to">
      <ol>
        {shown.map((node, index) => (
          <li key={node}>
            {index === 1 && way.length > MOST_CRUMBS && <span className="quiet">… </span>}
            <button type="button" className="crumb" aria-current={node === zoom ? "location" : undefined} onClick={() => onZoom(node)}>
              {visible(nodeTitle(tree, node))}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** The frame that is in focus, and what can be done with it. */
function FrameBar({ tree, node, onCopy }: { tree: FlameTree; node: number; onCopy: (node: number) => void }) {
  const frame = frameOf(tree, node);
  const sourceLink = useSourceLink();
  const [copied, setCopied] = useState(-1);
  return (
    <div className="frame-bar">
      {frame === null ? (
        <span className="legend">
          {tree.form.is_difference ? (
            <>
              <span><i className="swatch" style={{ background: "var(--more)" }} />More than before</span>
              <span><i className="swatch" style={{ background: "var(--less)" }} />Less</span>
              <span><i className="swatch" style={{ background: "var(--hover)" }} />May be chance</span>
            </>
          ) : (
            ORIGIN_LEGEND.map(([colour, label]) => (
              <span key={colour}>
                <i className="swatch" style={{ background: `var(--${colour})` }} aria-hidden="true" />
                {label}
              </span>
            ))
          )}
          {tree.form.omitted.nodes > 0 && <span>{plural(tree.form.omitted.nodes, "small frame")} summed up as “(other)”</span>}
        </span>
      ) : (
        <>
          <span className="frame-name">
            <strong>{visible(shortFunction(frame.function))}</strong> <span className="quiet">{nodePlace(tree, node)}</span>
          </span>
          <span className="frame-facts">
            {nodeFacts(tree, node)
              .slice(0, 3)
              .map(([name, value]) => `${name} ${value}`)
              .join(" · ")}
          </span>
          {isFile(frame.file) && (
            <a className="button" href={sourceLink(frame.file, frame.line)}>
              <FileCode2 size={14} aria-hidden="true" />
              Source
            </a>
          )}
          <button
            type="button"
            className="button"
            onClick={() => {
              onCopy(node);
              setCopied(node);
            }}
          >
            <ClipboardCopy size={14} aria-hidden="true" />
            <span aria-live="polite">{copied === node ? "Copied" : "Copy stack"}</span>
          </button>
        </>
      )}
    </div>
  );
}

function FrameTable({ tree }: { tree: FlameTree }) {
  const rows = useMemo(() => byFrame(tree), [tree]);
  const whole = Math.abs(tree.form.total.value);
  const isDifference = tree.form.is_difference;
  return (
    <Table
      label={isDifference ? "Functions with how they differ" : "Functions with what they allocated"}
      rows={rows}
      rowKey={({ index }) => index}
      initial={{ key: "total", isAscending: false }}
      columns={[
        {
          key: "function",
          title: "Function",
          isWide: true,
          sortBy: ({ frame }) => frame.function,
          cell: ({ frame }) => <PlaceText place={placeOf(frame)} />,
        },
        {
          key: "self",
          title: "Itself",
          estimate: ({ self }) => self,
          cell: ({ self }) => (isDifference ? <ChangeText figure={changeOf(self)} /> : <EstimateText estimate={self} />),
        },
        {
          key: "total",
          title: "With callees",
          estimate: ({ total }) => total,
          sortBy: ({ total }) => (isDifference ? Math.abs(total.value) : total.value),
          cell: ({ total }) => (isDifference ? <ChangeText figure={changeOf(total)} /> : <EstimateBar estimate={total} whole={whole} />),
        },
        { key: "samples", title: "Samples", isNumber: true, sortBy: ({ samples }) => samples, cell: ({ samples }) => samples },
      ]}
    />
  );
}

function changeOf(total: Estimate): { change: Estimate; is_beyond_chance: boolean } {
  return { change: total, is_beyond_chance: Math.abs(total.value) > total.error };
}

function placeOf({ function: name, file, line, module, origin }: Frame): Place {
  return { function: name, file, line: line || null, module, origin: origin as Place["origin"] };
}
