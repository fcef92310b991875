// Curves of many runs over each other: a few traces with gaps, as a trace a run would take seconds to draw.
import { ask, look, root, say } from "./common.js";
import { draw, onZoom, stepAxis } from "./charts.js";

// groups: of runs that share a colour, in order of drawing: { name, colour, width, opacity, runs }.
export class Overlay {
  constructor(plot) {
    Object.assign(this, { plot, window: null, log: true, asked: 0, curves: [], groups: [] });
    this.measure = "behaviour.test_accuracy";
    this.names = new Map();
  }

  async load(runs, more = []) {
    const turn = ++this.asked;
    if (!runs.length) return (this.curves = []), this.redraw(), null;
    this.runs = runs;
    const query = [...runs.slice(0, 500).map((run) => ["run", run]), ["measure", this.measure], ["scale", this.log ? "log" : "linear"]];
    query.push(["pixels", Math.max(60, Math.round(this.plot.clientWidth))], ...more);
    if (this.window) query.push(["from", Math.max(this.log ? 1 : 0, this.window[0])], ["to", this.window[1]]);
    const answer = await ask("data/curves", query);
    if (turn !== this.asked) return null;
    this.curves = answer.curves;
    return answer;
  }

  async redraw() {
    const by = new Map(this.curves.map((curve) => [curve.run, curve]));
    const data = this.groups.map((group) => this.trace(group, by)).filter((trace) => trace.x.length);
    const accuracy = this.measure.endsWith("accuracy"), loss = this.measure.endsWith("loss");
    const xaxis = stepAxis(this.log);
    if (this.window) Object.assign(xaxis, { range: this.window.map((edge) => (this.log ? Math.log10(Math.max(edge, 1)) : edge)), autorange: false });
    const yaxis = accuracy ? { range: [-0.03, 1.03], tickformat: ".0%" } : loss ? { type: "log", exponentformat: "power", nticks: 6 } : {};
    const first = !this.plot.classList.contains("js-plotly-plot");
    const legend = data.some((trace) => trace.name) && data.length < 13;
    await draw(this.plot, data, { xaxis, yaxis, showlegend: legend, margin: { l: 54, r: 12, t: legend ? 30 : 8, b: 44 }, uirevision: "kept" });
    this.plot.dataset.curves = this.curves.length;
    this.plot.setAttribute("aria-label", say("live.overlay_alt", { n: this.curves.length }));
    if (first) {
      onZoom(this.plot, (window) => ((this.window = window), this.again?.()));
      this.plot.on("plotly_click", (event) => window.location.assign(`${root}runs/${event.points[0].customdata}`));
    }
  }

  trace(group, by) {
    const x = [], y = [], text = [], customdata = [];
    for (const run of group.runs) {
      const curve = by.get(run);
      if (!curve) continue;
      const name = escaped(this.names.get(run) ?? run);
      for (let i = 0; i < curve.x.length; i++) {
        if (this.log && curve.x[i] <= 0) continue;
        x.push(curve.x[i]), y.push(curve.y[i]), text.push(name), customdata.push(run);
      }
      x.push(null), y.push(null), text.push(""), customdata.push("");
    }
    const value = this.measure.endsWith("accuracy") ? "%{y:.1%}" : "%{y:.4g}";
    return {
      x, y, text, customdata, name: escaped(group.name), mode: "lines", type: "scatter", opacity: group.opacity ?? 1,
      showlegend: Boolean(group.name), connectgaps: false, line: { color: group.colour, width: group.width ?? 1.5 },
      hovertemplate: `%{text}<br>${say("axis.step")} %{x:,d}: ${value}<extra></extra>`,
    };
  }
}

// Plotly reads a little HTML in its texts.
export const escaped = (text) => String(text).slice(0, 60).replace(/[<>&]/g, (sign) => ({ "<": "‹", ">": "›", "&": "＆" })[sign]);
export const colourOf = (place) => look.series[place % look.series.length];
