() => {
  const found = [];
  const shown = (el) => { const s = getComputedStyle(el); return s.visibility !== "hidden" && s.display !== "none" && +s.opacity > 0.05; };
  for (const plot of document.querySelectorAll(".plot")) {
    const area = plot.getBoundingClientRect();
    if (!area.width) continue;
    const name = plot.closest("section")?.id;
    const texts = [...plot.querySelectorAll(".xtick text, .ytick text, .g-xtitle text, .g-ytitle text, .g-x2title text, .legendtext, .annotation-text, .cbtitle text, .cbaxis text")]
      .filter((t) => t.textContent.trim() && shown(t)).map((t) => ({ t: t.textContent.trim(), b: t.getBoundingClientRect() })).filter(({ b }) => b.width);
    for (const { t, b } of texts)
      if (b.left < area.left - 1 || b.right > area.right + 1 || b.top < area.top - 1 || b.bottom > area.bottom + 1) found.push(`${name}: clipped ${t}`);
    texts.forEach((one, i) => texts.slice(i + 1).forEach((other) => {
      const w = Math.min(one.b.right, other.b.right) - Math.max(one.b.left, other.b.left), h = Math.min(one.b.bottom, other.b.bottom) - Math.max(one.b.top, other.b.top);
      if (w > 2 && h > 3) found.push(`${name}: ${one.t} over ${other.t} (${w.toFixed(0)} x ${h.toFixed(0)})`);
    }));
  }
  const inside = document.documentElement.clientWidth;
  for (const el of document.querySelectorAll("h1,h2,h3,p,dt,dd,td,th,summary,label,output,button,pre,.ticks span")) {
    if (!el.checkVisibility() || el.closest(".plot")) continue;
    const b = el.getBoundingClientRect();
    if (b.width && (b.right > inside + 1 || b.left < -1)) found.push(`wide ${el.tagName} ${el.textContent.slice(0, 40)}`);
    if (el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).overflowX === "hidden" && el.tagName !== "SUMMARY") found.push(`cut ${el.textContent.slice(0, 40)}`);
  }
  return found;
}
