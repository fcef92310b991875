// A run while it trains, and after.
import { $, ask, change, confirmed, count, debounced, digits, failed, follow, h, look, root, say, share, throttled } from "./common.js";
import { Chart, lastOf, stepAxis } from "./charts.js";

const place = $("#run"), run = place.dataset.run, base = `runs/${encodeURIComponent(run)}`;
const SPLITS = Object.keys(look.splits), QUANTITIES = ["accuracy", "loss"];
const CURVES = QUANTITIES.flatMap((quantity) => SPLITS.map((split) => `behaviour.${split}_${quantity}`));
const VIEWS = 8; // lines of a small chart: more cannot be told apart
const at = { row: null, windows: {}, cursor: null, charts: new Map(), known: "" };

const splitName = { train: say("split.train"), test: say("split.test"), twin: say("split.twin"), fresh: say("split.fresh") };
const phaseName = { memorized: say("phase.memorized"), transition: say("phase.transition"), after: say("phase.after"), lost: say("phase.lost") };

function bands() {
  return Object.entries(at.windows).map(([name, [start, end]]) => ({
    type: "rect", xref: "x", yref: "paper", x0: Math.max(start, 1), x1: end, y0: 0, y1: 1,
    fillcolor: look.phases[name], opacity: 0.13, line: { width: 0 }, layer: "below",
  }));
}

// Accuracy over loss, as on the report.
function curveTraces(series) {
  const found = new Map(series.map((one) => [one.measure, one]));
  return SPLITS.flatMap((split) => QUANTITIES.map((quantity) => {
    const one = found.get(`behaviour.${split}_${quantity}`);
    const [color, dash] = look.splits[split];
    return one && {
      x: one.x, y: quantity === "loss" ? one.y.map((value) => (value !== null && value > 1e-9 ? value : null)) : one.y,
      name: splitName[split], legendgroup: split, showlegend: quantity === "accuracy" || !found.has(`behaviour.${split}_accuracy`),
      mode: one.x.length === 1 ? "markers" : "lines", type: "scatter", line: { color, dash, width: 2 }, marker: { color }, yaxis: quantity === "accuracy" ? "y" : "y2",
      hovertemplate: quantity === "accuracy" ? "%{y:.2%}" : "%{y:.3g}",
    };
  }).filter(Boolean));
}

function curveLayout(log, series) {
  const accurate = [...series.values()].some((one) => one.measure.endsWith("accuracy"));
  return {
    height: 520, hovermode: "x unified", shapes: bands(), xaxis: stepAxis(log, { anchor: "y2" }),
    yaxis: { domain: [0.53, 1], visible: accurate, range: [-0.03, 1.03], tickformat: ".0%", anchor: "x", title: { text: say("axis.accuracy") } },
    yaxis2: { domain: accurate ? [0, 0.46] : [0, 1], type: "log", nticks: 6, exponentformat: "power", anchor: "x", title: { text: say("axis.loss_unknown") } },
    margin: { l: 62, r: 12, t: 8, b: 44 },
  };
}

const curve = new Chart($("#curve"), run, CURVES, { traces: curveTraces, layout: curveLayout });

// The measures, family by family. A chart is drawn when it comes into view.
const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
  const chart = at.charts.get(entry.target.dataset.measure);
  if (entry.isIntersecting && chart && !chart.begun) (chart.begun = true), chart.load().then(() => label(chart)).catch(failed);
}), { rootMargin: "200px" });

async function overview() {
  const { measures } = await ask(`${base}/measures`);
  const listed = measures.filter((one) => !CURVES.includes(one.id));
  const known = JSON.stringify(listed.map((one) => [one.id, one.views.map((view) => view.view)]));
  $("#measures-says").textContent = say(listed.length ? "live.measures_says" : "live.no_measures");
  if (known === at.known) return;
  at.known = known;
  const families = new Map();
  for (const one of listed) families.set(one.family, [...(families.get(one.family) ?? []), one]);
  at.charts.clear();
  seen.disconnect();
  $("#measures").replaceChildren(...[...families].map(([name, of]) => h("section", {}, h("h3", {}, name), h("div", { class: "grid" }, of.map(small)))));
}

// All small charts have the steps of the run, so that one can look from one to the next.
function span(log) {
  const steps = [...curve.series.values()].flatMap((one) => [one.x.find((step) => step > 0), one.x.at(-1)]).filter((step) => step > 0);
  const [first, last] = steps.length ? [Math.min(...steps), Math.max(...steps)] : [1, 10];
  const edge = 0.02 * (log ? Math.log10(Math.max(last, 2) / first) : last);
  return log ? [Math.log10(first) - edge, Math.log10(Math.max(last, 2)) + edge] : [-edge, last + edge];
}

function small(measure) {
  const plot = h("div", { class: "plot small", role: "img", "aria-label": measure.title, "data-measure": measure.id });
  const value = h("span", { class: "value mono" });
  const many = measure.views.length > VIEWS ? h("p", { class: "soft tiny" }, say("live.more_views", { n: VIEWS, total: measure.views.length })) : null;
  const chart = new Chart(plot, encodeURIComponent(run), [measure.id], {
    log: curve.log,
    traces: (series) => series.slice(0, VIEWS).map((one, n) => ({
      x: one.x, y: one.y, name: (one.view || measure.title).slice(0, 40), mode: one.x.length < 3 ? "lines+markers" : "lines", type: "scatter",
      line: { color: look.series[n % look.series.length], width: 1.6 }, hovertemplate: `%{x:,d}: %{y:.4g}<extra>${series.length > 1 ? one.view.slice(0, 30).replace(/[<>&]/g, "") : ""}</extra>`, showlegend: false,
    })),
    layout: (log) => ({ height: 170, xaxis: stepAxis(log, { title: { text: "" }, range: span(log), autorange: false, ...(log ? {} : { nticks: 4 }) }), yaxis: { nticks: 4, exponentformat: "power" }, shapes: bands(), margin: { l: 44, r: 6, t: 6, b: 26 } }),
  });
  Object.assign(chart, { title: measure.title, value });
  at.charts.set(measure.id, chart);
  const made = h("figure", {}, h("figcaption", {}, h("span", { dir: "auto" }, measure.title), value), plot, many);
  seen.observe(plot);
  return made;
}

function label(chart) {
  const all = [...chart.series.values()];
  const text = all.length === 1 ? lastOf(all[0]) : "";
  chart.value.textContent = text;
  chart.plot.setAttribute("aria-label", say("live.measure_alt", { name: chart.title, value: text || all.slice(0, VIEWS).map((one) => `${one.view}: ${lastOf(one)}`).join(", ") }));
}

async function stand() {
  const answer = await ask(`${base}/state`);
  const moved = JSON.stringify(answer.windows) !== JSON.stringify(at.windows);
  Object.assign(at, { row: answer.row, windows: answer.windows });
  facts(answer.row);
  happened(answer.events);
  labels(answer.row);
  if (moved) {
    $("#shading").replaceChildren(...Object.keys(at.windows).map((name) => {
      const mark = h("i");
      mark.style.background = look.phases[name];
      return h("span", {}, mark, `${phaseName[name]} ${at.windows[name].map(count).join("–")}`);
    }));
    curve.redraw();
    for (const chart of at.charts.values()) if (chart.begun) chart.redraw();
  }
}

function facts(row) {
  const known = { running: "live.running", done: "live.done", stopped: "live.stopped", failed: "live.failed_state" }[row.state] ?? (row.imported ? "live.imported" : "live.unknown");
  const fact = (label, value, of, more) => h("dl", {}, h("dt", {}, label), h("dd", { class: of }, value), more ? h("dd", { class: "soft" }, more) : null);
  const yet = (step) => (step === null ? h("span", { class: "soft" }, row.state === "running" ? say("live.not_reached") : "–") : count(step));
  const ended = row.state === "done" || !row.max_steps;
  $("#facts").replaceChildren(
    fact(say("live.state"), h("span", { class: `state ${row.state}` }, say(known))),
    fact(say("live.step"), ended ? say("live.progress_done", { step: count(row.steps) }) : say("live.progress", { step: count(row.steps), most: count(row.max_steps) }), null, row.state === "running" && row.steps_per_second ? say("live.speed", { speed: digits(row.steps_per_second) }) : ""),
    fact(say("live.memorized"), yet(row.memorized_at)), fact(say("live.onset"), yet(row.onset_at)), fact(say("live.generalized"), yet(row.generalized_at)),
    fact(say("live.delay"), row.delay === null ? "–" : h("span", {}, count(row.delay), row.grokked ? h("span", { class: "grokked" }, say("live.grokked")) : null)),
    fact(say("live.train_accuracy"), share(row.final["train/accuracy"]) || "–"), fact(say("live.test_accuracy"), share(row.final["test/accuracy"]) || "–"));
  const bar = $("#progress");
  bar.hidden = ended;
  bar.setAttribute("aria-valuenow", row.steps);
  bar.setAttribute("aria-valuemax", row.max_steps ?? row.steps);
  $("i", bar).style.width = `${Math.min(100, (100 * row.steps) / (row.max_steps || 1))}%`;
  const alt = say("live.curve_alt", { step: count(row.steps) });
  $("#curve").setAttribute("aria-label", alt);
}

const EVENTS = { memorized: say("happened.memorized"), onset: say("happened.onset"), generalized: say("happened.generalized"), collapse: say("happened.collapse"), slingshot: say("happened.slingshot"), "non-finite": say("happened.non_finite"), resumed: say("happened.resumed"), finished: say("happened.finished") };
function happened(events) {
  const lines = events.map((event) => h("li", {}, h("span", { class: "mono soft" }, count(event.step)), " ", EVENTS[event.event] ?? event.event));
  $("#events").replaceChildren(...(lines.length ? lines : [h("li", { class: "soft" }, say("live.no_events"))]));
}

function labels(row) {
  $("#name").textContent = row.name || row.run;
  $("#id").hidden = !row.name;
  const gone = (tag) => change("data/label", { runs: [run], remove: [tag] }, say("live.saved")).then(stand);
  $("#tags").replaceChildren(...row.tags.map((tag) => h("span", { class: "tag", dir: "auto" }, tag, h("button", { type: "button", "aria-label": say("live.untag", { tag }), onclick: () => gone(tag) }, "×"))));
}

function submits(form, sent) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = sent(form);
    if (given && (await change("data/label", { runs: [run], ...given }, say("live.saved")))) stand();
  });
}

const later = throttled(() => stand().catch(failed), 2000);
const again = debounced(() => Promise.all([curve.load(), ...[...at.charts.values()].filter((chart) => chart.begun).map((chart) => chart.load())]).catch(failed), 100);
const more = debounced(() => overview().catch(failed), 500);

async function news() {
  if (at.cursor === null) return;
  try {
    const answer = await ask(`${base}/new`, [["cursor", at.cursor]]);
    at.cursor = answer.cursor;
    if (answer.again) (again(), more());
    if (answer.series.some((one) => !CURVES.includes(one.measure) && !at.charts.has(one.measure))) more();
    curve.append(answer.series);
    for (const chart of at.charts.values()) if (chart.begun) (chart.append(answer.series), label(chart));
    later();
  } catch (error) {
    failed(error);
  }
}

submits($("#rename"), (form) => form.name.value.trim() && { name: form.elements.name.value.trim() });
submits($("#tag"), (form) => {
  const tag = form.tag.value.trim();
  form.reset();
  return tag && { add: [tag] };
});
submits($("#note"), (form) => ({ note: form.note.value }));
$("#remove").addEventListener("click", (event) => {
  const others = Number(place.dataset.together) - 1;
  confirmed(event.target, others ? say("live.sure_pack", { n: others }) : say("live.sure_one"), async () => (await change("data/remove", { runs: [run] }, say("live.removed"))) && setTimeout(() => window.location.assign(root || "./"), 900));
});
document.querySelectorAll("[data-scale]").forEach((button) => button.addEventListener("click", () => {
  document.querySelectorAll("[data-scale]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  const log = button.dataset.scale === "log";
  for (const chart of [curve, ...at.charts.values()]) chart.begun || chart === curve ? chart.scale(log).catch(failed) : (chart.log = log);
}));
$("#whole").addEventListener("click", () => ((curve.window = null), curve.load().catch(failed)));

// The curve first: three answers at once would each come as late as the last.
curve.load().then((cursor) => ((at.cursor = cursor), document.documentElement.setAttribute("data-drawn", "true"))).catch(failed).finally(() => {
  stand().catch(failed);
  overview().catch(failed);
});
// A writer that is killed changes no file.
setInterval(() => at.row?.state === "running" && !document.hidden && later(), 20000);
// Changes that come while the last are fetched are fetched together.
let busy = false, waits = false;
follow([run], async () => {
  if (busy) return void (waits = true);
  busy = true;
  do (waits = false), await news();
  while (waits);
  busy = false;
});
