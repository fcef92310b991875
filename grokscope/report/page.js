"use strict";
// Draws every figure of the page from the JSON beside it. A figure's layout.meta says what changes on a narrow screen.
const phone = window.matchMedia("(max-width: 640px)");
const config = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };
const reports = [];

function fit(plot, meta) {
  const changes = phone.matches ? meta.narrow : meta.wide;
  return Object.keys(changes).length ? Plotly.relayout(plot, changes) : Promise.resolve();
}

for (const plot of document.querySelectorAll(".plot")) {
  const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
  const meta = figure.layout.meta;
  const drawn = Plotly.newPlot(plot, figure.data, figure.layout, config)
    .then(() => figure.frames && Plotly.addFrames(plot, figure.frames))
    .then(() => (phone.matches ? fit(plot, meta) : undefined))
    .then(() => plot.style.removeProperty("min-height"));
  phone.addEventListener("change", () => fit(plot, meta));
  reports.push(drawn);
}
Promise.all(reports).then(() => document.documentElement.setAttribute("data-drawn", "true"));
