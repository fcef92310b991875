"use strict";
// Draws each figure of the page when it comes into view, from the JSON beside it, and moves all of them to one step.
const phone = window.matchMedia("(max-width: 640px)");
const wide = window.matchMedia("(min-width: 1100px)");
const config = { displaylogo: false, displayModeBar: false, scrollZoom: false };
const PAPER = 680; // pixels of an A4 page between its margins
const LOW = 0.85; // of a figure's height, so that more of them share a page
const TIGHT = 360; // pixels of height, below which a figure of a story does with fewer words
const PACE = 180; // milliseconds a step while playing
const root = document.documentElement;
const plots = [...document.querySelectorAll(".plot")];
const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const moments = document.getElementById("moments-data") && parsed("moments-data");
const near = new Set(); // plots in view, or nearly
let place = moments ? moments.steps.length - 1 : 0;
let scale = "log";
let paper = false;

// How large a figure is: as wide as the page (plotly.js's own way of following it forgets heights). Panels stand in fewer
// columns on a phone, and are as high as they are wide.
function size(plot) {
  const width = paper ? PAPER : plot.clientWidth || PAPER;
  const room = roomOf(plot);
  if (!plot.meta?.squares) return { ...words(plot, room < TIGHT), width, height: Math.min(room, plot.high * (paper ? LOW : 1)) };
  const { squares, columns, few, side, below, narrow, wide: beside } = plot.meta;
  const small = phone.matches && !paper;
  const across = small ? few : columns;
  const rows = Math.ceil(squares / across);
  const height = rows * Math.min(side, width / across, (room - below) / rows) + below;
  return { ...words(plot, room < TIGHT), ...(small ? narrow : beside), width, height };
}

// The height that the stage of a story leaves a figure beside its name.
function roomOf(plot) {
  const stage = paper ? null : plot.closest(".stage");
  return stage ? stage.clientHeight - 8 - plot.parentElement.querySelector(".name").offsetHeight : Infinity;
}

// A tight figure of a story has smaller words, and no name for the steps, which stand in the bar.
function words(plot, tight) {
  if (!plot.closest(".stage")) return {};
  if (!plot.steps) {
    const { annotations = [], ...others } = plot.layout ?? {};
    const named = Object.keys(others).filter((key) => key.startsWith("xaxis")).map((key) => `${key}.title`);
    const texts = [...annotations.map((_, index) => `annotations[${index}]`), ...named];
    return Object.fromEntries(texts.map((text) => [`${text}.font.size`, tight ? 10 : 13]));
  }
  const sizes = { "font.size": tight ? 11 : 13, "legend.font.size": tight ? 11 : 13, "margin.b": tight ? 24 : 44 };
  const apart = Object.entries(plot.apart).map(([axis, dtick]) => [`${axis}.dtick`, tight ? 2 * dtick : dtick]);
  return { ...sizes, "xaxis.title.text": tight ? "" : plot.named, ...Object.fromEntries(apart) };
}

// A name of an axis that is longer than the axis would lie over that of the next panel.
function hideLong(plot) {
  for (const axis of plot._fullLayout._subplots.yaxis) {
    const name = plot.querySelector(`.g-${axis}title text`);
    if (name) name.style.visibility = name.getBoundingClientRect().height > plot._fullLayout[axis.replace("y", "yaxis")]._length ? "hidden" : "";
  }
}

// A click on a mark whose customdata begins with the id of a run that has a report opens it.
function lead(plot, links) {
  const target = (event) => links[event.points[0]?.customdata?.[0]];
  const point = (shape) => (plot.querySelector(".nsewdrag").style.cursor = shape);
  plot.on("plotly_hover", (event) => point(target(event) ? "pointer" : "default"));
  plot.on("plotly_unhover", () => point(""));
  plot.on("plotly_click", (event) => target(event) && window.location.assign(target(event)));
}

// The step axis as the reader wants it. A logarithmic one is what the figure was made with.
function stepAxis(plot) {
  const { range, dtick, minor } = plot.steps;
  if (scale === "log")
    return { "xaxis.type": "log", "xaxis.range": range, "xaxis.tickmode": "linear", "xaxis.dtick": dtick, "xaxis.minor.ticks": minor };
  const high = 10 ** range[1];
  return { "xaxis.type": "linear", "xaxis.range": [-0.01 * high, high], "xaxis.tickmode": "auto", "xaxis.dtick": null, "xaxis.minor.ticks": "" };
}

// The upright line at the step, over all panels of a figure.
function mark(plot) {
  if (!plot.steps || !moments) return;
  const line = plot.querySelector(".moment") ?? plot.appendChild(Object.assign(document.createElement("i"), { className: "moment" }));
  const { xaxis, _size: size } = plot._fullLayout;
  const x = Math.max(0, xaxis.d2p(moments.steps[place]) || 0);
  line.style.cssText = `left:${xaxis._offset + Math.min(x, xaxis._length) - 1}px;top:${size.t}px;height:${size.h}px`;
  line.hidden = x > xaxis._length + 1;
}

// Dots and lines move without being drawn anew. Bars and heat maps do not; plotly.js stops animating those after a change
// of size, and so they are drawn as new data.
function move(plot, frame) {
  const still = { mode: "immediate", frame: { duration: 0, redraw: false }, transition: { duration: 0 } };
  if (!plot.redraws) return Plotly.animate(plot, [String(frame)], still).catch(() => {}); // a later step has overtaken it
  const { data, traces } = plot.moved.get(frame);
  const keys = new Set(data.flatMap(Object.keys).filter((key) => key !== "type"));
  return Plotly.restyle(plot, Object.fromEntries([...keys].map((key) => [key, data.map((trace) => trace[key])])), traces);
}

// Moves a figure to the page's step: to its own frame there, or to the nearest earlier one, which it then names.
function show(plot) {
  if (!moments || !plot.drawn) return;
  mark(plot);
  if (!plot.frames) return;
  const step = moments.steps[place];
  const frame = upTo(plot.frames, step);
  const said = plot.parentElement.querySelector(".at");
  said.textContent = (frame === step ? said.dataset.exact : said.dataset.earlier).replace("{step}", frame.toLocaleString("en"));
  if (plot.shown === frame) return;
  plot.shown = frame;
  move(plot, frame);
}

const upTo = (steps, step) => steps.reduce((found, each) => (each <= step ? each : found), steps[0]);

// A figure that is drawn later than the first begins where the slider is.
function begin(plot, figure) {
  plot.frames = figure.frames.map((frame) => Number(frame.name)).sort((a, b) => a - b);
  plot.shown = upTo(plot.frames, moments.steps[place]);
  const { data, traces } = figure.frames.find((frame) => Number(frame.name) === plot.shown);
  traces.forEach((trace, index) => Object.assign(figure.data[trace], data[index]));
}

// Twice: the first time a legend that wraps anew has the margins of before.
function fit(plot) {
  const tight = roomOf(plot) < TIGHT;
  const off = plot.data.flatMap((trace, index) => (trace.visible === "legendonly" ? [index] : []));
  if (off.length && plot.closest(".stage")) Plotly.restyle(plot, { showlegend: !tight }, off);
  Plotly.relayout(plot, size(plot));
  Plotly.relayout(plot, size(plot));
}

function draw(plot) {
  if (plot.asked) return plot.asked;
  return (plot.asked = drawn(plot));
}

async function drawn(plot) {
  const figure = parsed(plot.dataset.figure);
  const { layout } = figure;
  const x = layout.xaxis ?? {};
  plot.meta = layout.meta;
  plot.high = layout.height;
  if (layout.meta?.steps) plot.steps = { range: x.range, dtick: x.dtick, minor: x.minor?.ticks };
  plot.named = x.title?.text;
  plot.apart = Object.fromEntries(Object.entries(layout).filter(([, axis]) => axis?.type === "log" && axis.title && axis !== x && axis.dtick).map(([name, axis]) => [name, axis.dtick]));
  if (figure.frames && moments) begin(plot, figure);
  const { width, height } = size(plot);
  Object.assign(layout, { width, height });
  const made = Plotly.newPlot(plot, figure.data, layout, config);
  plot.drawn = true;
  if (figure.frames) {
    const moved = figure.frames.flatMap((frame) => frame.data);
    plot.redraws = moved.some((trace) => (trace.type ?? "scatter") !== "scatter");
    plot.moved = new Map(figure.frames.map((frame) => [Number(frame.name), frame]));
    Plotly.addFrames(plot, figure.frames);
  }
  if (plot.closest(".stage")) fit(plot);
  else if (plot.meta?.squares) Plotly.relayout(plot, size(plot));
  if (plot.steps && scale !== "log") Plotly.relayout(plot, stepAxis(plot));
  if (plot.dataset.links) lead(plot, JSON.parse(plot.dataset.links));
  if (plot.steps && moments) {
    plot.on("plotly_afterplot", () => (mark(plot), hideLong(plot)));
    plot.on("plotly_click", ({ event }) => go(nearest(stepUnder(plot, event.clientX))));
  }
  show(plot);
  await made;
  plot.style.removeProperty("min-height");
  if (plots.every((each) => each.drawn)) root.dataset.drawn = "true";
}

const drawAll = () => Promise.all(plots.map(draw));

function stepUnder(plot, x) {
  const { xaxis } = plot._fullLayout;
  return xaxis.p2d(x - plot.getBoundingClientRect().left - xaxis._offset);
}

function nearest(step) {
  const far = moments.steps.map((each) => Math.abs(each - step));
  return far.indexOf(Math.min(...far));
}

// The bar: slider, play, keys, scale.
function go(to) {
  const bar = document.querySelector(".moments");
  place = Math.max(0, Math.min(moments.steps.length - 1, to));
  const input = bar.querySelector("input[type=range]");
  const [named, said] = moments.said[place];
  input.value = place;
  input.setAttribute("aria-valuetext", `${named} ${said}`);
  const output = bar.querySelector("output");
  output.replaceChildren(Object.assign(document.createElement("b"), { textContent: named }), Object.assign(document.createElement("span"), { textContent: said }));
  near.forEach(show);
  window.dispatchEvent(new CustomEvent("moment", { detail: moments.steps[place] }));
}

function play(button) {
  let timer = 0;
  const stop = () => {
    timer = clearInterval(timer) ?? 0;
    button.textContent = button.dataset.play;
    button.setAttribute("aria-pressed", "false");
  };
  const start = () => {
    if (place === moments.steps.length - 1) go(0);
    button.textContent = button.dataset.pause;
    button.setAttribute("aria-pressed", "true");
    timer = setInterval(() => (place < moments.steps.length - 1 ? go(place + 1) : stop()), PACE);
  };
  button.addEventListener("click", () => (timer ? stop() : start()));
  return stop;
}

function ticks(bar) {
  const last = moments.steps.length - 1;
  const share = (index) => (last ? (100 * index) / last : 0);
  const at = [...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last)))];
  const named = at.map((index) => Object.assign(document.createElement("span"), { textContent: moments.steps[index].toLocaleString("en"), style: `left:${share(index)}%` }));
  bar.querySelector(".ticks").replaceChildren(...named);
  const position = (step) => {
    const after = moments.steps.findIndex((each) => each >= step);
    if (after <= 0) return after ? 100 : 0;
    const [from, to] = [moments.steps[after - 1], moments.steps[after]];
    return share(after - 1 + (step - from) / (to - from));
  };
  const bands = moments.bands.map(([colour, from, to]) => Object.assign(document.createElement("i"), { style: `position:absolute;height:100%;background:${colour};left:${position(from)}%;width:${position(to) - position(from)}%` }));
  bar.querySelector(".bands").replaceChildren(...bands);
}

function steer() {
  const bar = document.querySelector(".moments");
  const stop = play(bar.querySelector(".play"));
  ticks(bar);
  bar.addEventListener("submit", (event) => event.preventDefault());
  bar.querySelector("input[type=range]").addEventListener("input", (event) => {
    stop();
    go(Number(event.target.value));
  });
  bar.querySelectorAll("[name=scale]").forEach((input) =>
    input.addEventListener("change", () => {
      scale = input.value;
      plots.filter((plot) => plot.drawn && plot.steps).forEach((plot) => Plotly.relayout(plot, stepAxis(plot)));
    }),
  );
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    stop();
    go(place + by);
  });
  go(place);
}

// The contents: folded above a narrow page, with the section that is being read.
function contents(nav) {
  const fold = nav.querySelector("details");
  const links = new Map([...nav.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const unfold = () => (fold.open = wide.matches);
  unfold();
  wide.addEventListener("change", unfold);
  nav.addEventListener("click", (event) => event.target.closest("a") && unfold());
  const read = () => {
    const past = [...links.keys()].filter((id) => document.getElementById(id)?.getBoundingClientRect().top < 120);
    const current = links.get(past.at(-1));
    links.forEach((link) => (link === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    nav.querySelectorAll("li").forEach((item) => item.toggleAttribute("data-open", item.contains(current ?? null)));
    nav.dataset.reading = "true";
    nav.querySelector("b").textContent = current ? `· ${current.textContent}` : "";
  };
  let waiting = false;
  window.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => (read(), (waiting = false)));
  }, { passive: true });
  read();
}

// Paper: everything is drawn, as wide as the page, with its caption.
function print(on) {
  if (paper === on) return;
  paper = on;
  plots.forEach(draw);
  document.querySelectorAll(".more").forEach((fold) => {
    if (on) fold.dataset.was = fold.open;
    fold.open = on || fold.dataset.was === "true";
  });
  plots.forEach((plot) => {
    fit(plot);
    mark(plot);
  });
}

window.addEventListener("beforeprint", () => print(true));
window.addEventListener("afterprint", () => print(false));
const widths = new ResizeObserver((seen) => seen.forEach(({ target }) => {
  if (target.drawn && !paper && target.clientWidth && target.clientWidth !== target.layout.width) fit(target);
}));

const watch = new IntersectionObserver((seen) => seen.forEach(({ target, isIntersecting }) => {
  near[isIntersecting ? "add" : "delete"](target);
  if (isIntersecting) draw(target).then(() => show(target));
}), { rootMargin: "500px 0px" });
if (moments) steer();
document.querySelectorAll(".contents").forEach(contents);
plots.forEach((plot) => {
  watch.observe(plot);
  widths.observe(plot);
});
if (!plots.length) root.dataset.drawn = "true";
root.dataset.ready = "true";
window.grokscope = { drawAll, go, moments };
