// The list of runs: filtered, sorted, selected; and their curves above it.
import { $, ask, change, confirmed, count, debounced, failed, follow, h, look, root, say, share, shown, taskName, throttled } from "./common.js";
import { Overlay, colourOf } from "./overlay.js";

const FIRST = 200; // lines that are made at first: a table of thousands takes seconds
const state = { most: FIRST, rows: [], fields: [], total: 0, chosen: new Set(), shown: [] };
const form = $("#tools"), table = $("#runs"), overlay = new Overlay($("#overlay"));
const STATES = { running: "live.running", done: "live.done", stopped: "live.stopped", failed: "live.failed_state" };
const at = { seed: (row) => row.seed ?? Infinity, run: (row) => row.name || row.run, task: (row) => row.task ?? "", step: (row) => -row.steps, newest: (row) => -row.written };
const phase = (name) => (row) => row[`${name}_at`] ?? Infinity;
Object.assign(at, { memorized: phase("memorized"), generalized: phase("generalized"), delay: (row) => row.delay ?? Infinity });
at.test_accuracy = (row) => -(row.final["test/accuracy"] ?? -1);

async function load() {
  try {
    const where = form.where.value.trim();
    const answer = await ask("data/runs", where ? [["where", where]] : []);
    Object.assign(state, { rows: answer.runs, fields: answer.fields, total: answer.total, trash: answer.trash, problems: answer.problems });
    $("#problem").hidden = true;
    if (answer.behind) again();
  } catch (error) {
    return failed(error);
  }
  for (const run of [...state.chosen]) if (!state.rows.some((row) => row.run === run)) state.chosen.delete(run);
  render();
}

function render() {
  const asked = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (row) => [row.run, row.name, row.task, row.task && taskName(row.task), row.model, row.state, row.note, row.imported, ...row.tags, ...Object.entries(row.fields).map((pair) => pair.join("="))].join(" ").toLowerCase();
  const key = at[form.sort.value];
  state.shown = state.rows.filter((row) => asked.every((word) => text(row).includes(word)));
  state.shown.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  const focus = document.activeElement?.dataset?.run;
  table.tHead.replaceChildren(head());
  table.tBodies[0].replaceChildren(...state.shown.slice(0, state.most).map(line));
  $("#more").hidden = state.shown.length <= state.most;
  if (focus) $(`input[data-run="${CSS.escape(focus)}"]`, table)?.focus();
  $("#listed").textContent = say("live.listed", { shown: count(state.shown.length), total: count(state.total) });
  const empty = $("#empty");
  empty.hidden = state.shown.length > 0;
  empty.textContent = state.rows.length ? say("live.nothing_found") : say("live.empty", { store: empty.dataset.store });
  $(".sheet").hidden = !state.shown.length;
  $(".overlay").hidden = !state.shown.length;
  selection();
  listed("#left-out", say("live.left_out", { n: state.problems.length }), state.problems.map((line) => h("li", { class: "problem" }, line)));
  listed("#trash", say("live.trash", { n: state.trash.length }), state.trash.map(thrown));
  curves();
}

const COLUMNS = [["run", "live.run"], ["task", "live.task"], ["seed", "live.seed"], [null, "live.state"], ["step", "live.step"], ["memorized", "live.memorized"], ["generalized", "live.generalized"], ["delay", "live.delay"], [null, "live.train_accuracy"], ["test_accuracy", "live.test_accuracy"]];

const NUMBERS = new Set(["seed", "step", "memorized", "generalized", "delay", "train_accuracy", "test_accuracy"].map((name) => `live.${name}`));

function head() {
  const all = h("input", { type: "checkbox", "aria-label": say("live.choose_all"), onchange: (event) => (state.shown.forEach((row) => state.chosen[event.target.checked ? "add" : "delete"](row.run)), render()) });
  all.checked = state.shown.length > 0 && state.shown.every((row) => state.chosen.has(row.run));
  const cells = COLUMNS.map(([key, label]) => {
    const of = NUMBERS.has(label) ? "number" : null;
    if (!key) return h("th", { scope: "col", class: of }, say(label));
    const on = form.sort.value === key;
    return h("th", { scope: "col", class: of, "aria-sort": on ? "ascending" : null }, h("button", { type: "button", class: "sorter", onclick: () => ((form.sort.value = on ? "newest" : key), render()) }, say(label)));
  });
  cells.splice(3, 0, ...state.fields.map((field) => h("th", { scope: "col", class: "mono number" }, field)));
  return h("tr", {}, h("th", { scope: "col" }, all), ...cells);
}

function line(row) {
  const box = h("input", { type: "checkbox", "data-run": row.run, "aria-label": say("live.choose", { run: row.name || row.run }), onchange: (event) => (state.chosen[event.target.checked ? "add" : "delete"](row.run), selection(), curves()) });
  box.checked = state.chosen.has(row.run);
  const cell = (label, content, of = "") => h("td", { "data-label": label, class: `${of} ${content === "" || content === null ? "empty" : ""}`.trim() || null }, content ?? "");
  const known = STATES[row.state] ?? (row.imported ? "live.imported" : "live.unknown");
  return h("tr", {},
    h("td", { class: "pick" }, box),
    h("th", { scope: "row" }, h("a", { href: `runs/${encodeURIComponent(row.run)}`, class: row.name ? null : "mono", dir: "auto" }, row.name || row.run),
      row.name ? h("span", { class: "soft mono under" }, row.run) : null,
      row.tags.map((tag) => h("span", { class: "tag", dir: "auto" }, tag)), row.note ? h("span", { class: "soft under note", dir: "auto" }, row.note) : null),
    cell(say("live.task"), row.task ? taskName(row.task) : row.imported ?? "", "wide"),
    cell(say("live.seed"), row.seed ?? "", "number"),
    ...state.fields.map((field) => cell(field, shown(row.fields[field]), "number")),
    cell(say("live.state"), h("span", { class: `state ${row.state}` }, say(known))),
    cell(say("live.step"), count(row.steps), "number"),
    ...["memorized", "generalized"].map((name) => cell(say(`live.${name}`), count(row[`${name}_at`]), "number")),
    cell(say("live.delay"), row.delay === null ? "" : h("span", { class: row.grokked ? "grokked" : null }, count(row.delay)), "number"),
    cell(say("live.train_accuracy"), share(row.final["train/accuracy"]), "number"),
    cell(say("live.test_accuracy"), share(row.final["test/accuracy"]), "number"));
}

function selection() {
  const n = state.chosen.size;
  $("#with").hidden = n === 0;
  $("#chosen").textContent = say("live.chosen", { n: count(n) });
}

function listed(where, summary, lines) {
  const place = $(where);
  place.hidden = !lines.length;
  $("summary", place).textContent = summary;
  $("ul", place).replaceChildren(...lines);
}

const thrown = (pack) => h("li", {}, h("span", { class: "mono" }, pack), " ", h("button", { type: "button", onclick: async () => (await change("data/restore", { packs: [pack] }, say("live.restored"))) && load() }, say("live.do_restore")));

// Few runs have colours of their own; of many, the selected stand out.
function groups(rows) {
  const name = (row) => row.name || row.run;
  if (rows.length <= look.series.length) return rows.map((row, place) => ({ name: name(row), colour: colourOf(place), width: state.chosen.has(row.run) ? 3 : 1.6, runs: [row.run] }));
  const out = rows.filter((row) => state.chosen.has(row.run));
  const rest = rows.filter((row) => !state.chosen.has(row.run));
  return [{ name: "", colour: look.series[0], width: 1, opacity: out.length ? 0.18 : 0.45, runs: rest.map((row) => row.run) },
    ...out.slice(0, look.series.length - 1).map((row, place) => ({ name: name(row), colour: colourOf(place + 1), width: 2.4, runs: [row.run] }))];
}

const curves = debounced(async () => {
  const rows = [...state.shown.filter((row) => state.chosen.has(row.run)), ...state.shown.filter((row) => !state.chosen.has(row.run))].slice(0, 500);
  const picked = new Set(rows.map((row) => row.run)), ordered = state.shown.filter((row) => picked.has(row.run));
  overlay.names = new Map(ordered.map((row) => [row.run, row.name || row.run]));
  overlay.groups = groups(ordered);
  if (!rows.length) return;
  try {
    if (await overlay.load(ordered.map((row) => row.run))) await overlay.redraw();
  } catch (error) {
    failed(error);
  }
}, 60);
overlay.again = curves;

$("#more").addEventListener("click", () => ((state.most = Infinity), render()));
form.addEventListener("submit", (event) => event.preventDefault());
form.words.addEventListener("input", debounced(render, 80));
form.sort.addEventListener("change", render);
form.where.addEventListener("change", load);
$("#compare").addEventListener("click", () => window.location.assign(`${root}compare?${new URLSearchParams([...state.chosen].map((run) => ["run", run]))}`));
$("#with").addEventListener("submit", async (event) => {
  event.preventDefault();
  const tag = event.target.tag.value.trim();
  if (tag && (await change("data/label", { runs: [...state.chosen], add: [tag] }, say("live.saved")))) (event.target.reset(), load());
});
$("#remove").addEventListener("click", (event) => {
  const runs = [...state.chosen];
  const question = runs.length === 1 ? say("live.sure_one") : say("live.sure", { n: count(runs.length) });
  confirmed(event.target, question, async () => (await change("data/remove", { runs }, say("live.removed"))) && (state.chosen.clear(), load()));
});
const again = throttled(load, 2000);
load();
follow([], again);
// A writer that is killed changes no file.
setInterval(() => state.rows.some((row) => row.state === "running") && !document.hidden && again(), 20000);
