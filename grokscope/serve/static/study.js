// The maps of a sweep, and the choice of open or closed claims.
import { $, root, say, tell } from "./common.js";
import { draw } from "./charts.js";

document.querySelectorAll("[data-show]").forEach((button) => button.addEventListener("click", () => {
  document.querySelectorAll("[data-show]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  document.querySelectorAll(".claim").forEach((claim) => (claim.hidden = ![claim.dataset.open, "all"].includes(button.dataset.show)));
}));

// The part comes from this server, where every text in it was escaped.
async function maps(place) {
  const answer = await fetch(place.dataset.from);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...made.body.childNodes);
  for (const plot of place.querySelectorAll(".plot")) {
    const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    await draw(plot, figure.data, figure.layout);
    const run = (event) => event.points[0]?.customdata?.[0];
    plot.on("plotly_click", (event) => run(event) && window.location.assign(`${root}runs/${run(event)}`));
    plot.on("plotly_hover", (event) => ($(".nsewdrag", plot).style.cursor = run(event) ? "pointer" : ""));
  }
  document.documentElement.setAttribute("data-drawn", "true");
}

const place = $("#maps");
if (place) maps(place).catch((error) => ((place.textContent = ""), tell(say("live.failed", { why: error.message }), true)));
else document.documentElement.setAttribute("data-drawn", "true");
