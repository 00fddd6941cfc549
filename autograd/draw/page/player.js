"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const { edges, vertices, steps } = data;
  const live = typeof compute === "function";
  const arrow = data.down ? "↑" : "←"; // before a gradient, which flows against the direction

  // ---- numbers: the same six digits as in Python ----------------------------------------------
  function number(x) {
    if (x === null) return "?";
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x < 0 ? "-inf" : "inf";
    if (x === 0) return "0";
    const [digits, power] = x.toExponential(5).split("e");
    const exponent = Number(power);
    const trim = (s) => (s.includes(".") ? s.replace(/\.?0+$/, "") : s);
    if (exponent < -4 || exponent >= 6) {
      const size = String(Math.abs(exponent)).padStart(2, "0");
      return `${trim(digits)}e${exponent < 0 ? "-" : "+"}${size}`;
    }
    return trim(x.toFixed(5 - exponent));
  }
  const written = (x) => (typeof x === "string" ? x : number(x));

  // ---- the state: what every edge carries, and how far the story has come ---------------------
  const now = edges.map((e) => ({ value: parse(e.value), gradient: parse(e.gradient), slope: parse(e.slope) }));
  function parse(x) {
    if (x === "nan") return NaN;
    if (x === "inf") return Infinity;
    if (x === "-inf") return -Infinity;
    return x;
  }
  let position = 0;
  let timer = null;
  const leaves = {};
  for (const v of vertices) if (v.kind === "leaf" && v.out.length) leaves[v.key] = now[v.out[0]].value;

  function recompute() {
    const { values, slopes } = compute(leaves);
    edges.forEach((e, i) => {
      now[i].value = values[e.source];
      now[i].slope = slopes[i] === undefined ? null : slopes[i];
      now[i].gradient = null;
    });
    // null is a structural zero: where() did not take this branch, whatever lies behind it
    const total = (key) => vertexOut[key].reduce((sum, i) => add(sum, now[i].gradient), null);
    for (const i of data.backward) {
      const e = edges[i];
      if (e.end) now[i].gradient = data.seed;
      else if (e.sum) now[i].gradient = total(e.head);
      else {
        const upstream = now[vertexOut[e.head][0]].gradient;
        const blocked = upstream === null || (e.selects && now[i].slope === 0);
        now[i].gradient = blocked ? null : upstream * now[i].slope;
      }
    }
    edges.forEach((e, i) => {
      if (e.differentiable && now[i].gradient === null) now[i].gradient = 0;
    });
  }
  const add = (a, b) => (a === null ? b : b === null ? a : a + b);
  const vertexOut = Object.fromEntries(vertices.map((v) => [v.key, v.out]));

  // ---- sentences --------------------------------------------------------------------------------
  function told(sentence) {
    let text = "";
    for (const part of sentence) {
      if (typeof part === "string") text += part;
      else {
        const numeral = written(now[part[1]][part[0]]);
        text += numeral.startsWith("-") && /([-+×/] |\^)$/.test(text) ? `(${numeral})` : numeral;
      }
    }
    return text;
  }

  // ---- the figure -------------------------------------------------------------------------------
  const svg = $("stage").querySelector("svg");
  svg.setAttribute("role", "presentation");
  const label = edges.map((e, i) => {
    const group = $(`e${i}`);
    group.classList.add("label");
    // an array has its shape and its range on lines of their own
    const texts = [...group.querySelectorAll("text")];
    const above = texts.slice(0, texts.length / 2);
    const below = texts.slice(texts.length / 2);
    const rule = group.querySelector("polygon").getAttribute("points").split(/[ ,]/).map(Number);
    const middle = (Math.min(rule[0], rule[4]) + Math.max(rule[0], rule[4])) / 2;
    // numbers of any length stay where they are: centred on the line, or on either side of it
    [above, below].forEach((lines, side) => lines.forEach((text) => {
      text.setAttribute("text-anchor", !data.down ? "middle" : side ? "start" : "end");
      text.setAttribute("x", middle + (!data.down ? 0 : side ? 4 : -4));
    }));
    const arrows = [$(`e${i}a`), $(`e${i}b`)];
    arrows.forEach((a) => a.classList.add("arrow"));
    return { group, above, below, arrows };
  });
  function put(lines, text, style) {
    const parts = lines.length > 1 ? text.split(": ") : [text];
    lines.forEach((line, k) => {
      line.textContent = parts[k] ?? "";
      line.setAttribute("class", style);
    });
  }
  for (const v of vertices) {
    const group = $(v.key);
    group.classList.add("vertex", v.kind);
    // a leaf's box repeats what its edge carries, below its name
    const texts = [...group.querySelectorAll("text")];
    v.held = v.out.length && v.lines ? texts.slice(1, 1 + v.lines + (v.back ?? 1)) : [];
    const outline = group.querySelector("rect, ellipse, polygon");
    if (outline) {
      // fonts differ in width: whatever stands in a box is centred in it
      const { x, width } = outline.getBBox();
      for (const text of texts) {
        text.setAttribute("text-anchor", "middle");
        text.setAttribute("x", x + width / 2);
      }
    }
    if (v.kind === "junction" || v.kind === "result") continue;
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "img");
    const tell = () => { $("formula").textContent = describe(v); };
    group.addEventListener("pointerenter", tell);
    group.addEventListener("focus", tell);
  }
  function describe(v) {
    const own = v.out.length ? now[v.out[0]] : null;
    const lines = (v.formulas ?? []).map((f) => (Array.isArray(f) ? told(f) : f));
    const gradient = own && own.gradient !== null ? `; gradient ${written(own.gradient)}` : "";
    const value = own ? ` = ${written(own.value)}${gradient}` : "";
    return `${v.name}${v.formula ? ` = ${v.formula}` : ""}${value}${lines.length ? `. ${lines.join("; ")}` : ""}`;
  }

  // an edge shows its value once the forward story has come to it, its gradient likewise
  const valueAt = edges.map(() => 0);
  const gradientAt = edges.map(() => Infinity);
  steps.forEach((s, k) => s.edges.forEach((i) => {
    if (k < data.forward) valueAt[i] = k + 1;
    else gradientAt[i] = k + 1;
  }));
  function show() {
    const step = position ? steps[position - 1] : null;
    const bad = live ? firstBad() : data.bad;
    edges.forEach((e, i) => {
      const { group, above, below, arrows } = label[i];
      const value = now[i].value;
      const gradient = now[i].gradient;
      const isBad = (what) => bad.edge === i && bad.what === what ? "broken" : what;
      put(above, position >= valueAt[i] ? written(value) : "…", isBad("value"));
      if (e.form) put(below, "", "faint");
      else if (!e.differentiable) put(below, "constant", "faint");
      else if (position < gradientAt[i]) put(below, arrow, "gradient");
      else put(below, `${arrow} ${written(gradient)}`, isBad("gradient"));
      const lit = step !== null && step.edges.includes(i);
      for (const part of [group, ...arrows]) part.classList.toggle("lit", lit);
    });
    for (const v of vertices) {
      const group = $(v.key);
      if (v.held.length) {
        const edge = v.out[0];
        const { value, gradient } = now[edge];
        const back = position < gradientAt[edge] ? arrow : `${arrow} ${written(gradient)}`;
        put(v.held.slice(0, v.lines), written(value), bad.edge === edge && bad.what === "value" ? "broken" : "value");
        if (v.kind === "leaf") put(v.held.slice(v.lines), back, "gradient");
      }
      group.classList.toggle("first-bad", bad.vertex === v.key);
      group.classList.toggle("lit", step !== null && step.vertex === v.key);
      if (group.hasAttribute("role")) group.setAttribute("aria-label", describe(v));
    }
    $("sentence").textContent = step
      ? `${position <= data.forward ? "Forward" : "Backward"}: ${told(step.sentence)}`
      : `${steps.length} steps: play them, or go one by one. ${data.caption[0].toUpperCase()}${data.caption.slice(1)}`;
    $("where").value = `${position} of ${steps.length}`;
    $("position").value = position;
    $("position").setAttribute("aria-valuetext", $("sentence").textContent);
    items.forEach((item, k) => {
      item.textContent = told(steps[k].sentence);
      if (k + 1 === position) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    for (const s of sliders) s.refresh();
    if (step) follow([label[step.edges[0]].group, $(step.vertex)]);
  }
  const broken = (x) => typeof x === "number" && !Number.isFinite(x);
  // the first nan or inf: of the values in their order, else of the gradients in theirs
  function firstBad() {
    for (const v of vertices) {
      const edge = v.out[0];
      if (v.kind !== "junction" && edge !== undefined && broken(now[edge].value)) {
        return { edge, what: "value", vertex: v.key };
      }
    }
    for (const edge of data.backward) {
      if (broken(now[edge].gradient)) return { edge, what: "gradient", vertex: edges[edge].head };
    }
    return {};
  }

  // ---- the player -------------------------------------------------------------------------------
  function go(to) {
    position = Math.max(0, Math.min(steps.length, to));
    if (position === steps.length) pause();
    show();
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    $("play").textContent = "Play";
    $("play").setAttribute("aria-pressed", "false");
  }
  function play() {
    if (position === steps.length) position = 0;
    clearInterval(timer);
    timer = setInterval(() => go(position + 1), Number($("speed").value));
    $("play").textContent = "Pause";
    $("play").setAttribute("aria-pressed", "true");
    go(position + 1);
  }
  const toggle = () => (timer === null ? play() : pause());
  const by = (n) => { pause(); go(position + n); };
  $("play").onclick = toggle;
  $("step").onclick = () => by(1);
  $("back").onclick = () => by(-1);
  $("first").onclick = () => by(-Infinity);
  $("last").onclick = () => by(Infinity);
  $("speed").onchange = () => { if (timer !== null) { position -= 1; play(); } };
  $("position").max = steps.length;
  $("position").oninput = () => { pause(); go(Number($("position").value)); };
  const items = steps.map((s, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.onclick = () => { pause(); go(k + 1); };
    const item = document.createElement("li");
    item.append(button);
    $("steps").append(item);
    return button;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const shift = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] }[event.key];
    if (event.shiftKey && shift) move(shift[0], shift[1]);
    else if (event.key === " " && !event.target.closest("button, summary")) toggle();
    else if (event.key === "ArrowRight") by(1);
    else if (event.key === "ArrowLeft") by(-1);
    else if (event.key === "Home") by(-Infinity);
    else if (event.key === "End") by(Infinity);
    else if (event.key === "+" || event.key === "=") zoom(0.8);
    else if (event.key === "-") zoom(1.25);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });

  // ---- zoom and pan -----------------------------------------------------------------------------
  const whole = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  let view = [...whole];
  function look() { svg.setAttribute("viewBox", view.join(" ")); }
  function scale() { return Math.max(view[2] / svg.clientWidth, view[3] / svg.clientHeight); }
  function fit() { view = [...whole]; look(); }
  function zoom(factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) {
    const size = view[2] * factor;
    if (size > whole[2] * 4 || size < whole[2] / 200) return;
    view = [x - (x - view[0]) * factor, y - (y - view[1]) * factor, size, view[3] * factor];
    look();
  }
  function move(dx, dy) { const s = scale(); view[0] += dx * s; view[1] += dy * s; look(); }
  // the view closer than the whole goes with the story
  function follow(parts) {
    if (view[2] >= whole[2]) return;
    const stage = $("stage").getBoundingClientRect();
    const boxes = parts.map((part) => part.getBoundingClientRect());
    const [left, top] = ["left", "top"].map((side) => Math.min(...boxes.map((b) => b[side])));
    const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...boxes.map((b) => b[side])));
    if (left >= stage.left && right <= stage.right && top >= stage.top && bottom <= stage.bottom) return;
    move((left + right - stage.left - stage.right) / 2, (top + bottom - stage.top - stage.bottom) / 2);
  }
  // numbers of 13 points are read from 9 pixels on: where the whole is far smaller, begin closer
  function begin() {
    const factor = 13 / 9 / scale();
    if (factor < 0.8) zoom(factor, whole[0] + (data.down ? whole[2] / 2 : 0), whole[1] + (data.down ? 0 : whole[3] / 2));
  }
  let kept = view;
  addEventListener("beforeprint", () => { kept = view; fit(); });
  addEventListener("afterprint", () => { view = kept; look(); });
  function at(event) {
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [p.x, p.y];
  }
  $("closer").onclick = () => zoom(0.8);
  $("farther").onclick = () => zoom(1.25);
  $("fit").onclick = fit;
  $("stage").addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.9 : 1 / 0.9, ...at(event));
  }, { passive: false });
  const fingers = new Map();
  $("stage").addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    $("stage").setPointerCapture(event.pointerId);
  });
  $("stage").addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId);
    if (other) {
      const far = (e) => Math.hypot(e.clientX - other[1].clientX, e.clientY - other[1].clientY) || 1;
      zoom(far(before) / far(event));
    } else move(before.clientX - event.clientX, before.clientY - event.clientY);
    fingers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    $("stage").addEventListener(end, (event) => fingers.delete(event.pointerId));
  }

  // ---- sliders ----------------------------------------------------------------------------------
  const sliders = [];
  if (live) {
    $("why").textContent = "Values and gradients follow at once. Constants stay as they are, and with them every comparison made while the expression was computed.";
    for (const v of vertices) {
      if (!(v.key in leaves)) continue;
      const start = leaves[v.key];
      const reach = Number.isFinite(start) && start !== 0 ? 2 * Math.abs(start) : 1;
      const row = document.createElement("div");
      row.className = "slider";
      const name = document.createElement("label");
      name.className = "name";
      name.textContent = v.name;
      const range = document.createElement("input");
      const exact = document.createElement("input");
      const gradient = document.createElement("output");
      Object.assign(range, { type: "range", min: -reach, max: reach, step: reach / 1000, value: start, id: `range-${v.key}` });
      Object.assign(exact, { type: "number", step: "any", value: start, id: `exact-${v.key}` });
      exact.setAttribute("aria-label", `${v.name}, exact value`);
      name.htmlFor = range.id;
      gradient.id = `gradient-${v.key}`;
      const set = (text) => {
        if (text.trim() === "" || Number.isNaN(Number(text))) return;
        leaves[v.key] = Number(text);
        recompute();
        show();
      };
      range.oninput = () => { exact.value = range.value; set(range.value); };
      exact.oninput = () => { range.value = exact.value; set(exact.value); };
      row.append(name, range, exact, gradient);
      $("sliders").append(row);
      sliders.push({ refresh: () => { gradient.value = `gradient ${written(now[v.out[0]].gradient)}`; } });
    }
    if (data.recompute) recompute();
  } else {
    $("why").textContent = data.why;
  }

  // ---- theme ------------------------------------------------------------------------------------
  function theme(dark) {
    document.documentElement.classList.toggle("dark", dark);
    $("theme").textContent = dark ? "Light" : "Dark";
  }
  $("theme").onclick = () => theme(!document.documentElement.classList.contains("dark"));
  theme(data.dark || matchMedia("(prefers-color-scheme: dark)").matches);

  window.player = { go, now, leaves, steps, number, set(values) { Object.assign(leaves, values); recompute(); show(); } };
  go(0);
  begin();
})();
