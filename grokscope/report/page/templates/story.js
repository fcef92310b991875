"use strict";
// The scene that is being read shows its figure, and moves the page's step from its start to its end.
const scenes = [...document.querySelectorAll(".scene")];
const shots = [...document.querySelectorAll(".shot")];
const narrow = window.matchMedia("(max-width: 900px)");
let told = -1;

function tell() {
  // On a narrow screen the figure stands above the text.
  const line = window.innerHeight * (narrow.matches ? 0.75 : 0.55);
  const scene = scenes.findLast((each) => each.getBoundingClientRect().top <= line) ?? scenes[0];
  const { top, height } = scene.getBoundingClientRect();
  scenes.forEach((each) => each.toggleAttribute("data-told", each === scene));
  shots.forEach((shot) => (shot.hidden = shot.id !== scene.dataset.figure));
  const [from, to] = [scene.dataset.start, scene.dataset.end].map((step) => nearest(Number(step)));
  const part = Math.min(1, Math.max(0, (line - top) / (0.8 * height)));
  const wanted = Math.round(from + part * (to - from));
  if (wanted !== told) go(wanted);
  told = wanted;
}

let due = false;
window.addEventListener("scroll", () => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => (tell(), (due = false)));
}, { passive: true });
window.addEventListener("resize", tell);
if (moments) tell();
