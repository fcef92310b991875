// Charts in the look of all figures. What they show comes from the server at the pixels that they have, and is asked for
// again when the reader zooms.
import { ask, debounced, digits, look, say } from "./common.js";

const config = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };
const TALL = 4; // points a pixel before a chart that grew asks anew

export const stepAxis = (log, more = {}) => ({
  type: log ? "log" : "linear",
  title: { text: say("axis.step") },
  tickformat: log ? ",d" : ",~d",
  hoverformat: ",d",
  ...(log ? { dtick: 1, minor: { dtick: "D1", ticks: "outside", ticklen: 3 } } : { nticks: 6 }),
  ...more,
});

// The page is made while the library is still on its way.
const library = new Promise((done) => (window.Plotly ? done() : document.getElementById("plotly")?.addEventListener("load", done)));

export async function draw(plot, data, layout) {
  await library;
  return Plotly.react(plot, data, { template: look.template, hovermode: "closest", ...layout }, config);
}

// The steps that an axis shows; null while it shows all.
export const windowOf = (layout) => {
  const axis = layout?.xaxis;
  if (!axis?.range || axis.autorange) return null;
  const [low, high] = axis.range.map((edge) => (axis.type === "log" ? 10 ** edge : edge));
  return [Math.max(0, Math.floor(low)), Math.max(1, Math.ceil(high))];
};

// Calls back with the window after each zoom by hand, and with null when all is to be seen.
export function onZoom(plot, changed) {
  plot.on("plotly_relayout", (event) => {
    if (event["xaxis.autorange"] || event.autorange) changed(null);
    else if ("xaxis.range[0]" in event || "xaxis.range" in event) changed(windowOf(plot.layout));
  });
  plot.on("plotly_doubleclick", () => (changed(null), false));
}

// One chart of some measures of a run. traces: series -> Plotly's traces; layout: of the chart, given the log scale.
export class Chart {
  constructor(plot, run, measures, { traces, layout, log = true }) {
    Object.assign(this, { plot, run, measures, traces, layout, log, window: null, series: new Map(), asked: 0 });
    this.load = this.load.bind(this);
    this.later = debounced(this.load, 120);
    new ResizeObserver(debounced(() => this.plot.clientWidth > 1.3 * (this.width ?? Infinity) && this.load(), 300)).observe(plot);
  }

  // Asks for what it shows. An answer that was overtaken by a later question is dropped.
  async load() {
    const turn = ++this.asked;
    this.width = Math.max(60, this.plot.clientWidth);
    const query = this.measures.map((measure) => ["measure", measure]);
    query.push(["pixels", Math.min(4000, Math.round(this.width))], ["scale", this.log ? "log" : "linear"]);
    if (this.window) query.push(["from", this.window[0]], ["to", this.window[1]]);
    const answer = await ask(`runs/${this.run}/series`, query);
    if (turn !== this.asked) return answer.cursor;
    this.series = new Map(answer.series.map((one) => [`${one.measure}|${one.view}`, one]));
    await this.redraw();
    this.plot.dataset.points = answer.series.reduce((sum, one) => sum + one.x.length, 0);
    return answer.cursor;
  }

  // Adds new points at the end; asks anew where they lie elsewhere, or have become many.
  append(news) {
    let touched = false;
    for (const one of news.filter((one) => this.measures.includes(one.measure))) {
      const known = this.series.get(`${one.measure}|${one.view}`);
      if (!known || one.x[0] < known.x.at(-1) || known.x.length > 2 * TALL * this.width) return this.later();
      const skip = one.x[0] === known.x.at(-1) ? 1 : 0;
      if (this.window && one.x[0] > this.window[1]) continue;
      known.x.push(...one.x.slice(skip));
      known.y.push(...one.y.slice(skip));
      touched = true;
    }
    if (touched) this.redraw();
  }

  async redraw() {
    const layout = this.layout(this.log, this.series);
    if (this.window) layout.xaxis = { ...layout.xaxis, range: this.window.map((edge) => (this.log ? Math.log10(Math.max(edge, 1)) : edge)), autorange: false };
    const first = !this.plot.classList.contains("js-plotly-plot");
    const last = this.log ? (one) => drop(one) : (one) => one;
    await draw(this.plot, this.traces([...this.series.values()].map(last)), { uirevision: "kept", ...layout });
    if (first) onZoom(this.plot, (window) => ((this.window = window), this.later()));
  }

  scale(log) {
    this.log = log;
    this.window = null;
    return this.load();
  }
}

// A logarithmic axis has no place for step 0.
const drop = (one) => {
  const from = one.x.findIndex((step) => step > 0);
  return from > 0 ? { ...one, x: one.x.slice(from), y: one.y.slice(from) } : one;
};

export const lastOf = (series) => digits(series.y?.findLast((value) => value !== null));
