// What all pages share: texts, requests, the stream of changes, elements. Texts enter pages as text, never as markup.
const words = JSON.parse(document.getElementById("words").textContent);
export const look = JSON.parse(document.getElementById("look").textContent);
export const root = document.documentElement.dataset.root;

export const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
export const taskName = (id) => words[`task.${id}`] ?? id.replaceAll("_", " ");
export const $ = (selector, within = document) => within.querySelector(selector);
export const count = (n) => (n === null || n === undefined ? "" : Math.round(n).toLocaleString("en-US"));
export const share = (x) => (x === null || x === undefined ? "" : x === 1 ? "100%" : `${(100 * x).toFixed(1)}%`);
export const digits = (x) => (x === null || x === undefined ? "–" : x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential(1) : String(Number(x.toPrecision(4))));
export const shown = (x) => (x === null || x === undefined ? "" : typeof x === "number" && !Number.isInteger(x) ? digits(x) : typeof x === "object" ? JSON.stringify(x) : String(x));

// An element with its attributes and children; a child that is a text stays one.
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// JSON from an address below the root. Other values are appended as its query.
export async function ask(path, query = []) {
  const given = new URLSearchParams(query).toString();
  const answer = await fetch(root + path + (given ? `?${given}` : ""));
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

// Changes something. What went wrong is said to the reader, and the answer is then false.
export async function change(path, sent, done) {
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(root + path, { method: "POST", headers, body: JSON.stringify(sent) });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    tell(done);
    return true;
  } catch (error) {
    tell(say("live.failed", { why: error.message }), true);
    return false;
  }
}

let silence = 0;
export function tell(line, bad = false) {
  const said = $("#said");
  said.textContent = line;
  said.classList.toggle("bad", bad);
  said.hidden = false;
  clearTimeout(silence);
  silence = setTimeout(() => (said.hidden = true), bad ? 10000 : 3500);
}

export const debounced = (act, wait) => {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
};

// A page rests so many times as long as an answer took, but not longer than that [ms]: a training on the same machine
// goes first.
const SHARE = 40, LONGEST = 10000;

// Acts at once, then at most once in so many milliseconds; what comes between is done at the end.
export function throttled(act, wait) {
  let next = 0, timer = 0;
  const now = async () => {
    timer = 0;
    next = Infinity;
    const begun = performance.now();
    try {
      await act();
    } finally {
      next = performance.now() + Math.max(wait, Math.min(LONGEST, SHARE * (performance.now() - begun)));
      if (asked) (asked = false), again();
    }
  };
  let asked = false;
  const again = () => {
    if (next === Infinity) asked = true;
    else timer ||= setTimeout(now, Math.max(0, next - performance.now()));
  };
  return again;
}

// Calls back when one of these runs, or without any the list, has something new. A hidden page listens to nothing.
export function follow(runs, changed) {
  const link = $("#link");
  let source = null;
  const show = (key, on) => {
    link.textContent = say(key);
    link.classList.toggle("on", on);
    link.hidden = false;
  };
  const open = () => {
    source?.close();
    source = null;
    if (document.hidden) return;
    source = new EventSource(`${root}stream?${new URLSearchParams(runs.map((run) => ["run", run]))}`);
    source.addEventListener("ready", () => (show("live.connected", true), changed([])));
    source.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
    source.onerror = () => show("live.connecting", false);
  };
  document.addEventListener("visibilitychange", open);
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  open();
}

// Asks in place of a button whether it is meant.
export function confirmed(button, question, act) {
  const before = button.parentElement;
  const done = () => (asked.remove(), (before.hidden = false), button.focus());
  const yes = h("button", { type: "button", class: "risky strong", onclick: () => (done(), act()) }, say("live.confirm"));
  const no = h("button", { type: "button", onclick: done }, say("live.cancel"));
  const asked = h("div", { class: "row asked", role: "group", "aria-label": question }, h("span", {}, question), yes, no);
  asked.addEventListener("keydown", (event) => event.key === "Escape" && done());
  before.after(asked);
  before.hidden = true;
  no.focus();
}

export const failed = (error) => {
  const place = $("#problem");
  if (!place) return tell(say("live.failed", { why: error.message }), true);
  place.textContent = error.message;
  place.hidden = false;
};
