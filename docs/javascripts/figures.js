/* Draws the figures of a notebook's page from the data that stand in it. */
document.querySelectorAll(".plotly-figure").forEach(function (place) {
  var figure = JSON.parse(place.querySelector("script").textContent);
  figure.layout.width = undefined;
  figure.layout.autosize = true;
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displaylogo: false });
});
