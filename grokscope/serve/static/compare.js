// Selected runs over each other, and what differs between them.
import { $, ask, count, digits, failed, follow, h, say, share, shown, throttled } from "./common.js";
import { Overlay, colourOf } from "./overlay.js";

const runs = JSON.parse($("#chosen").textContent), form = $("#tools"), overlay = new Overlay($("#overlay"));
const at = { rows: new Map(), fields: {} };

function groups() {
  const field = form.colour.value;
  if (!field) return runs.map((run, place) => ({ name: overlay.names.get(run), colour: colourOf(place), width: runs.length > 20 ? 1 : 1.8, runs: [run] }));
  const by = new Map();
  for (const run of runs) {
    const value = shown(at.fields[field]?.[run]) || "–";
    by.set(value, [...(by.get(value) ?? []), run]);
  }
  const ordered = [...by].sort(([a], [b]) => (Number(a) - Number(b) || (a < b ? -1 : 1)));
  return ordered.map(([value, of], place) => ({ name: `${field} ${value}`, colour: colourOf(place), width: 1.6, runs: of }));
}

async function load() {
  try {
    const answer = await overlay.load(runs, [["fields", "1"]]);
    if (!answer) return;
    if (!Object.keys(at.fields).length) {
      at.fields = answer.fields;
      form.colour.append(...Object.keys(at.fields).map((field) => h("option", { value: field }, field)));
    }
    overlay.groups = groups();
    await overlay.redraw();
    table();
    document.documentElement.setAttribute("data-drawn", "true");
  } catch (error) {
    failed(error);
  }
}

async function list() {
  const answer = await ask("data/runs");
  at.rows = new Map(answer.runs.map((row) => [row.run, row]));
  overlay.names = new Map(runs.map((run) => [run, at.rows.get(run)?.name || run]));
}

function table() {
  const fields = Object.keys(at.fields);
  const heads = [say("live.run"), ...fields, say("live.memorized"), say("live.onset"), say("live.generalized"), say("live.delay"), say("live.train_accuracy"), say("live.test_accuracy"), say("quantity.behaviour.test_loss")];
  const sheet = $("#table");
  sheet.tHead.replaceChildren(h("tr", {}, heads.map((head, n) => h("th", { scope: "col", class: n === 0 ? null : n <= fields.length ? "mono number" : "number" }, head))));
  sheet.tBodies[0].replaceChildren(...runs.map((run, place) => {
    const row = at.rows.get(run);
    const mark = h("i", { class: "dot" });
    const group = overlay.groups.findIndex((one) => one.runs.includes(run));
    mark.style.background = colourOf(group < 0 ? place : group);
    const name = h("th", { scope: "row" }, mark, h("a", { href: `runs/${encodeURIComponent(run)}`, dir: "auto", class: row?.name ? null : "mono" }, row?.name || run));
    const values = [...fields.map((field) => shown(at.fields[field][run])), ...["memorized_at", "onset_at", "generalized_at", "delay"].map((key) => count(row?.[key])), share(row?.final["train/accuracy"]), share(row?.final["test/accuracy"]), row?.final["test/loss"] === null ? "" : digits(row?.final["test/loss"])];
    return h("tr", {}, name, values.map((value, n) => h("td", { class: value === "" ? "number empty" : "number", "data-label": heads[n + 1] }, value)));
  }));
}

overlay.again = load;
form.addEventListener("submit", (event) => event.preventDefault());
form.measure.addEventListener("change", () => ((overlay.measure = form.measure.value), load()));
form.colour.addEventListener("change", () => ((overlay.groups = groups()), overlay.redraw(), table()));
form.scale.addEventListener("change", () => ((overlay.log = form.scale.value === "log"), (overlay.window = null), load()));

(async () => {
  const [{ measures }] = await Promise.all([ask(`runs/${encodeURIComponent(runs[0])}/measures`), list()]);
  form.measure.append(...measures.map((one) => h("option", { value: one.id }, one.title)));
  const first = measures.find((one) => one.id === overlay.measure) ?? measures[0];
  if (first) overlay.measure = form.measure.value = first.id;
  await load();
  follow(runs, throttled(async () => (await list(), await load()), 2000));
})().catch(failed);
