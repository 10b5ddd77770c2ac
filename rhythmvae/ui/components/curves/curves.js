// The curves of a run. st.plotly_chart mounts a new chart at every change, with a key too, and a zoom is lost;
// Plotly.react keeps both.

import { element } from "../assets/dom.js";

export async function mount({ data, parentElement }, base) {
  await import(new URL(data.plotly, base).href);
  const root =
    parentElement.querySelector(".curves") ?? parentElement.appendChild(element("div", { className: "curves" }));
  // All have their places before the first is drawn: alone it would be as wide as the page, and stay so.
  while (root.children.length < data.figures.length) root.append(element("div", { role: "img" }));
  const ink = getComputedStyle(root).color;
  for (const [index, text] of data.figures.entries()) {
    const own = root.children[index];
    own.setAttribute("aria-label", data.spoken[index]);
    const { data: traces, layout } = JSON.parse(text);
    Object.assign(layout, { paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: { color: ink } });
    for (const axis of [layout.xaxis, layout.yaxis])
      Object.assign(axis, { gridcolor: "rgba(128, 128, 128, 0.25)", zeroline: false });
    globalThis.Plotly.react(own, traces, layout, { ...data.config, responsive: true });
  }
}
