// Boxes of all visible lines of text outside of charts; and texts that are wider than the box that hides the rest.
() => {
  const faults = [], boxes = [];
  // The part of a box that no ancestor hides.
  const seen = (rect, element) => {
    const box = { left: rect.left, right: rect.right, top: rect.top, bottom: rect.bottom };
    for (let above = element; above && above !== document.body; above = above.parentElement) {
      if (getComputedStyle(above).overflowY === "visible") continue;
      const frame = above.getBoundingClientRect();
      Object.assign(box, { left: Math.max(box.left, frame.left), right: Math.min(box.right, frame.right), top: Math.max(box.top, frame.top), bottom: Math.min(box.bottom, frame.bottom) });
    }
    return box;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest("svg, script, style, noscript, option, [hidden], .skip, .hidden, details:not([open]) > :not(summary)")) continue;
    if (!parent.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const box = seen(rect, parent);
      if (box.right - box.left > 1 && box.bottom - box.top > 1) boxes.push({ box, text: node.textContent.trim().slice(0, 40), parent });
    }
    const style = getComputedStyle(parent);
    if (style.overflowX === "hidden" && style.textOverflow !== "ellipsis" && parent.scrollWidth > parent.clientWidth + 1) faults.push(`cut: ${node.textContent.trim().slice(0, 60)}`);
  }
  const fixed = (one) => one.parent.closest(".bar, .said, .sheet thead");
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const [a, b] = [boxes[i].box, boxes[j].box];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    // A line that ends in "…" has a box for what is shown and one for what is not.
    if (boxes[i].parent === boxes[j].parent && getComputedStyle(boxes[i].parent).textOverflow === "ellipsis") continue;
    if (wide > 2 && high > 4 && Boolean(fixed(boxes[i])) === Boolean(fixed(boxes[j]))) faults.push(`overlap: ${boxes[i].text} | ${boxes[j].text}`);
  }
  const width = document.documentElement.clientWidth;
  for (const { box, text, parent } of boxes) if ((box.right > width + 1 || box.left < -1) && !parent.closest(".sheet")) faults.push(`outside: ${text}`);
  if (document.documentElement.scrollWidth > width) faults.push(`page of ${document.documentElement.scrollWidth} pixels at ${width}`);
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    const texts = [...plot.querySelectorAll(".xtick text, .ytick text, .y2tick text, .legendtext, .xtitle, .ytitle, .y2title")].map((one) => [one.getBoundingClientRect(), one.textContent]);
    const frame = plot.getBoundingClientRect();
    for (const [box, text] of texts) if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.bottom > frame.bottom + 2) faults.push(`chart cuts: ${text}`);
    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
      const [a, b] = [texts[i][0], texts[j][0]];
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3) faults.push(`chart overlap: ${texts[i][1]} | ${texts[j][1]}`);
    }
  }
  return faults;
}
