"use strict";
// Draws the flame graph, and says what is under the pointer. All names come from the traced program: they are
// only ever set as text.
(() => {
  const ROW = 19;
  const MOST_HEIGHT = 640;
  const LEAST_WIDTH = 0.6;
  const ORIGINS = ["program", "library", "standard-library", "runtime", "runtime"];
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const tip = document.getElementById("tip");
  root.dataset.script = "";

  function formatBytes(size) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let value = size;
    let unit = 0;
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= 1024;
      unit += 1;
    }
    if (unit === 0) {
      return `${Math.round(value)} B`;
    }
    const digits = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
    return `${value.toFixed(digits)} ${units[unit]}`;
  }

  function formatShare(share) {
    return share >= 0.0995 || share === 0 ? `${(100 * share).toFixed(0)} %` : `${(100 * share).toFixed(1)} %`;
  }

  function showTip(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > window.innerWidth ? x - 14 - box.width : x + 14;
    const top = y + 16 + box.height > window.innerHeight ? y - 12 - box.height : y + 16;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
  }

  // --- the timeline -----------------------------------------------------------------------------------------

  const chart = document.querySelector(".chart");
  if (chart && data.timeline.length) {
    const cursor = document.createElement("div");
    cursor.id = "cursor";
    cursor.hidden = true;
    chart.append(cursor);
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.9999);
      const place = Math.floor(share * data.timeline.length);
      cursor.hidden = false;
      cursor.style.left = `${(100 * (place + 0.5)) / data.timeline.length}%`;
      showTip(data.timeline[place], event.clientX, event.clientY);
    });
    chart.addEventListener("pointerleave", () => {
      cursor.hidden = true;
      tip.hidden = true;
    });
  }

  // --- the flame graph --------------------------------------------------------------------------------------

  const canvas = document.getElementById("canvas");
  if (!canvas) {
    return;
  }
  const context = canvas.getContext("2d");
  const call = document.getElementById("call");
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  const reset = document.getElementById("reset");
  const fold = document.getElementById("fold");
  const choices = [...document.querySelectorAll("[data-graph]")];
  let graph = null;
  let zoomed = 0;
  let focused = -1;
  let hovered = -1;
  let rectangles = []; // of the nodes that are drawn: [node, x, width, depth]

  /** Where each node begins, its depth and its children; parents stand before their children. A node that is folded into another is shown
   * as that, and so is the caller of what it calls; those of `open` are not. */
  function lay(source, open) {
    const count = source.parent.length;
    const isFolded = (node) => source.fold[node] >= 0 && open !== null && !open.has(source.fold[node]);
    const shownAs = source.parent.map((_, node) => (isFolded(node) ? source.fold[node] : node));
    const above = source.parent.map((parent) => (parent < 0 ? parent : shownAs[parent]));
    const start = new Float64Array(count);
    const end = new Float64Array(count);
    const depth = new Int32Array(count);
    const children = Array.from({ length: count }, () => []);
    for (let node = 1; node < count; node += 1) {
      if (shownAs[node] !== node) {
        continue;
      }
      const parent = above[node];
      start[node] = end[parent];
      end[node] = start[node];
      end[parent] += source.bytes[node];
      depth[node] = depth[parent] + 1;
      children[parent].push(node);
    }
    const rows = 1 + depth.reduce((most, own) => Math.max(most, own), 0);
    return { ...source, open, above, shownAs, start, depth, children, height: rows, matches: null };
  }

  const graphs = data.graphs.map((source) => lay(source, new Set()));

  function isRow(node) {
    return graph.fold[node] === node && graph.open !== null && !graph.open.has(node);
  }

  function frameOf(node) {
    if (isRow(node)) {
      return [`▸ ${graph.rows[node]}`, "outside of the program; a click or Enter unfolds them", -1];
    }
    const frame = graph.frame[node];
    return frame < 0 ? [graph.label, "", -1] : data.frames[frame];
  }

  function describe(node) {
    const [label, place] = frameOf(node);
    const few = graph.error[node] < 0;
    const size = (few ? "~" : "") + formatBytes(graph.bytes[node]);
    const share = graph.bytes[node] ? (100 * graph.error[node]) / graph.bytes[node] : 0;
    const error = few ? " (few samples)" : share ? ` ±${share < 1 ? share.toFixed(1) : share.toFixed(0)} %` : "";
    const part = graph.bytes[0] ? graph.bytes[node] / graph.bytes[0] : 0;
    const own = graph.self[node] && !isRow(node) ? `, ${formatBytes(graph.self[node])} by itself` : "";
    return [label, place, `${size}${error}, ${formatShare(part)} of all${own}`].filter(Boolean).join("\n");
  }

  function isAncestor(node, other) {
    for (let at = other; at >= 0; at = graph.above[at]) {
      if (at === node) {
        return true;
      }
    }
    return false;
  }

  function colour(styles, name) {
    return styles.getPropertyValue(`--${name}`).trim();
  }

  function draw() {
    const width = canvas.clientWidth;
    const scale = width / Math.max(graph.bytes[zoomed], 1);
    rectangles = [];
    for (let at = graph.above[zoomed]; at >= 0; at = graph.above[at]) {
      rectangles.push([at, 0, width, graph.depth[at]]);
    }
    let deepest = graph.depth[zoomed];
    const open = [zoomed];
    while (open.length) {
      const node = open.pop();
      const size = graph.bytes[node] * scale;
      if (size < LEAST_WIDTH && node !== zoomed) {
        continue;
      }
      rectangles.push([node, (graph.start[node] - graph.start[zoomed]) * scale, size, graph.depth[node]]);
      deepest = Math.max(deepest, graph.depth[node]);
      open.push(...graph.children[node]);
    }

    const height = (deepest + 1) * ROW;
    // A canvas larger than browsers allow stays empty.
    const density = Math.min(window.devicePixelRatio || 1, 30000 / height);
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    context.scale(density, density);
    const styles = getComputedStyle(root);
    const text = colour(styles, "text");
    const page = colour(styles, "page");
    const fills = ORIGINS.map((name) => colour(styles, name));
    const accent = colour(styles, "found");
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    for (const [node, x, size, depth] of rectangles) {
      const y = depth * ROW;
      const isFound = graph.matches && graph.matches.has(node);
      const isDim = (graph.matches && !isFound) || (node !== zoomed && isAncestor(node, zoomed));
      context.globalAlpha = isDim ? 0.35 : 1;
      const origin = frameOf(node)[2];
      context.fillStyle = isFound ? accent : origin < 0 ? colour(styles, "hover") : fills[origin];
      context.fillRect(x, y, Math.max(size - 0.5, 0.5), ROW - 1);
      if (size > 28) {
        context.fillStyle = isFound ? page : text;
        context.globalAlpha = isDim ? 0.6 : 1;
        context.fillText(written(frameOf(node)[0], size - 10), x + 5, y + ROW / 2);
      }
    }
    context.globalAlpha = 1;
    for (const marked of [focused, hovered]) {
      const rectangle = rectangles.find(([node]) => node === marked);
      if (rectangle) {
        context.strokeStyle = text;
        context.lineWidth = 1.5;
        context.strokeRect(rectangle[1] + 0.75, rectangle[3] * ROW + 0.75, Math.max(rectangle[2] - 2, 1), ROW - 2.5);
      }
    }
    reset.hidden = zoomed === 0;
    fold.hidden = !graph.fold.some((row) => row >= 0);
    fold.setAttribute("aria-pressed", String(graph.open !== null));
  }

  const widths = new Map();

  /** The beginning of a text that fits. */
  function fitted(text, width) {
    let size = widths.get(text);
    if (size === undefined) {
      size = context.measureText(text).width;
      widths.set(text, size);
    }
    if (size <= width) {
      return text;
    }
    const kept = Math.floor((text.length * (width - 10)) / size);
    return kept > 1 ? `${text.slice(0, kept)}…` : "";
  }

  /** What a bar says: its label; a module's, where there is no room for all of it, the end of its file, since all modules begin alike. */
  function written(label, width) {
    const text = fitted(label, width);
    const [, path] = /^<module> (.+)$/.exec(label) ?? [];
    if (text === label || !path) {
      return text;
    }
    const names = path.split(/[/\\]/);
    return fitted(names.slice(names.at(-1) === "__init__.py" ? -2 : -1).join("/"), width);
  }

  function nodeAt(event) {
    const box = canvas.getBoundingClientRect();
    const depth = Math.floor((event.clientY - box.top) / ROW);
    const x = event.clientX - box.left;
    const hit = rectangles.find((r) => r[3] === depth && x >= r[1] && x < r[1] + Math.max(r[2], 1));
    return hit ? hit[0] : -1;
  }

  function tell(node) {
    call.textContent = node < 0 ? (graph.isCut ? "The smallest calls are left out." : "") : describe(node).replaceAll("\n", " — ");
  }

  /** Show the rows of `open` as the frames that they stand for; null: all. */
  function unfold(open) {
    const number = graphs.indexOf(graph);
    graph = graphs[number] = lay(data.graphs[number], open);
    zoomed = graph.shownAs[zoomed];
    focused = focused < 0 ? focused : graph.shownAs[focused];
    hovered = -1;
    fit();
    tell(focused);
    search();
  }

  function zoom(node) {
    if (isRow(node)) {
      unfold(new Set([...graph.open, node]));
      return;
    }
    zoomed = node;
    focused = node;
    tell(node);
    draw();
  }

  /** What is below does not move when a call is enlarged. */
  function fit() {
    canvas.parentElement.style.minHeight = `${Math.min(graph.height * ROW, MOST_HEIGHT)}px`;
  }

  function choose(number) {
    graph = graphs[number];
    zoomed = 0;
    focused = -1;
    hovered = -1;
    choices.forEach((choice, place) => choice.setAttribute("aria-pressed", String(place === number)));
    fit();
    tell(-1);
    search();
  }

  function search() {
    const wanted = find.value.trim().toLowerCase();
    graph.matches = null;
    found.textContent = "";
    if (wanted) {
      const hits = data.frames.map(([label, place]) => `${label} ${place}`.toLowerCase().includes(wanted));
      graph.matches = new Set();
      // A match within a match is not counted twice.
      const within = new Uint8Array(graph.parent.length);
      let total = 0;
      for (let node = 1; node < graph.parent.length; node += 1) {
        within[node] = within[graph.parent[node]];
        if (hits[graph.frame[node]]) {
          graph.matches.add(graph.shownAs[node]);
          if (!within[node]) {
            total += graph.bytes[node];
            within[node] = 1;
          }
        }
      }
      const count = graph.matches.size;
      const share = formatShare(graph.bytes[0] ? total / graph.bytes[0] : 0);
      found.textContent = count ? `${count} ${count === 1 ? "call" : "calls"}, ${formatBytes(total)}, ${share} of all` : "not found";
    }
    draw();
  }

  function move(key) {
    const at = focused < 0 ? zoomed : focused;
    if (key === "ArrowDown") {
      return graph.children[at][0] ?? at;
    }
    if (key === "ArrowUp") {
      return Math.max(graph.above[at], 0);
    }
    const siblings = at ? graph.children[graph.above[at]] : [at];
    const place = siblings.indexOf(at) + (key === "ArrowRight" ? 1 : -1);
    return siblings[Math.min(Math.max(place, 0), siblings.length - 1)];
  }

  canvas.addEventListener("pointermove", (event) => {
    const node = nodeAt(event);
    if (node !== hovered) {
      hovered = node;
      tell(node);
      draw();
    }
    if (node >= 0 && event.pointerType === "mouse") {
      showTip(describe(node), event.clientX, event.clientY);
    } else {
      tip.hidden = true;
    }
  });
  canvas.addEventListener("pointerleave", () => {
    hovered = -1;
    tip.hidden = true;
    draw();
  });
  canvas.addEventListener("click", (event) => {
    const node = nodeAt(event);
    if (node >= 0) {
      zoom(node);
    }
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) {
      focused = move(event.key);
      if (!isAncestor(zoomed, focused)) {
        zoomed = 0;
      }
      tell(focused);
      draw();
    } else if (event.key === "Enter" && focused >= 0) {
      zoom(focused);
    } else if (event.key === "Escape") {
      zoom(0);
    } else {
      return;
    }
    event.preventDefault();
  });
  reset.addEventListener("click", () => zoom(0));
  fold.addEventListener("click", () => unfold(graph.open === null ? new Set() : null));
  find.addEventListener("input", search);
  choices.forEach((choice, number) => choice.addEventListener("click", () => choose(number)));
  new ResizeObserver(() => draw()).observe(canvas.parentElement);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // Paper is light, whatever the screen is.
  window.addEventListener("beforeprint", () => {
    root.dataset.theme = "light";
    draw();
  });
  window.addEventListener("afterprint", () => {
    delete root.dataset.theme;
    draw();
  });
  choose(0);
})();
