"use strict";
// Draws every figure of the page from the JSON beside it.
const phone = window.matchMedia("(max-width: 640px)");
const config = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };

// Panels in fewer columns on a phone, and as high as they are wide. Plotly follows the page's width by itself, but a height
// that is set ends that (autosize).
function arrange(plot, { squares, columns, few, side, below, narrow, wide }) {
  const across = phone.matches ? few : columns;
  const height = Math.ceil(squares / across) * Math.min(side, plot.clientWidth / across) + below;
  return Plotly.relayout(plot, { ...(phone.matches ? narrow : wide), height, autosize: true });
}

// A click on a mark whose customdata begins with the id of a run that has a report opens it.
function lead(plot, links) {
  const target = (event) => links[event.points[0]?.customdata?.[0]];
  const point = (shape) => (plot.querySelector(".nsewdrag").style.cursor = shape);
  plot.on("plotly_hover", (event) => point(target(event) ? "pointer" : "default"));
  plot.on("plotly_unhover", () => point(""));
  plot.on("plotly_click", (event) => target(event) && window.location.assign(target(event)));
}

async function draw(plot) {
  const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
  const meta = figure.layout.meta;
  await Plotly.newPlot(plot, figure.data, figure.layout, config);
  if (figure.frames) await Plotly.addFrames(plot, figure.frames);
  if (meta) {
    let width = plot.clientWidth;
    await arrange(plot, meta);
    window.addEventListener("resize", () => {
      if (plot.clientWidth !== width) arrange(plot, meta);
      width = plot.clientWidth;
    });
  }
  if (plot.dataset.links) lead(plot, JSON.parse(plot.dataset.links));
  plot.style.removeProperty("min-height");
}

Promise.all([...document.querySelectorAll(".plot")].map(draw)).then(() =>
  document.documentElement.setAttribute("data-drawn", "true"),
);
