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
  plot.style.removeProperty("min-height");
}

Promise.all([...document.querySelectorAll(".plot")].map(draw)).then(() =>
  document.documentElement.setAttribute("data-drawn", "true"),
);
