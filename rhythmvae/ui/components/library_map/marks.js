// What lies over the points of a library's map: rings around some of them, names, and what a hand draws.

const RESULT = { r: 6, ground: 4, width: 2 }; // px
const PICKED = [9, 12.5];
const CURSOR = 15;
const WIDTH = 1.75;

/**
 * Paint what a map has: `results`, `picked` (a point or null), `cursor` (-1 for none), `labels` as `laidOut` gives
 * them and `outline`. `place` gives a point's pixels; the font is set.
 */
export function paintMarks(g, map, { text, ground, place }) {
  const { cloud, view, results, picked, cursor, labels, outline } = map;
  const ring = (i, r, width, color) => {
    g.beginPath();
    g.arc(...place(i), r, 0, 2 * Math.PI);
    Object.assign(g, { strokeStyle: color, lineWidth: width });
    g.stroke();
  };
  for (const i of results) {
    ring(i, RESULT.r, RESULT.ground, ground);
    ring(i, RESULT.r, RESULT.width, text);
  }
  if (picked !== null && picked < cloud.n) for (const r of PICKED) ring(picked, r, WIDTH, text);
  if (cursor >= 0 && map.parent.activeElement === map.canvas) ring(cursor, CURSOR, WIDTH, text);
  Object.assign(g, { fillStyle: text, strokeStyle: ground, lineWidth: 3, lineJoin: "round", textBaseline: "middle" });
  for (const { text: words, x, y, dx } of labels) {
    const [px, py] = view.screen(x, y);
    g.strokeText(words, px + dx, py);
    g.fillText(words, px + dx, py);
  }
  if (outline) paintOutline(g, outline, text);
}

function paintOutline(g, outline, color) {
  g.beginPath();
  for (const [x, y] of outline) g.lineTo(x, y);
  g.closePath();
  Object.assign(g, { fillStyle: color, strokeStyle: color, lineWidth: 1.5 });
  g.globalAlpha = 0.12;
  g.fill();
  g.globalAlpha = 1;
  g.stroke();
}
