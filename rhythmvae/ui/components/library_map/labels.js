// Names on a library's map: far away what the clouds are, close by those of files; none over another.

const MOST = { labels: 28, points: 260, clouds: 7 }; // of more points in view none is named
const FARTHEST = 3; // of the view of all: below it clouds are named
const HEIGHT = 15; // px
const GAP = 6;
const NAME_PX = 8; // from a dot to its name: on the right, on the left, or, where neither has room, over it
const LETTERS = 34;

/**
 * Names and their places: [{ text, x, y, dx, box }], x and y on the map, dx px beside it. `own` is the column that is
 * coloured by, `centres` the middles of its clouds, `names` of points, null before they are here; `measured` gives the
 * width of a text.
 */
export function laidOut(measured, { cloud, view, own, centres, names, results }) {
  const labels = [];
  const put = (text, x, y, isCloud) => {
    const width = measured(text);
    const [px, py] = view.screen(x, y);
    const over = Math.max(Math.min(px - width / 2, view.w - width - GAP), GAP) - px;
    const beside = [NAME_PX, -NAME_PX - width].find((side) => px + side >= 0 && px + side + width <= view.w);
    const dx = isCloud ? over : (beside ?? over);
    const box = { left: px + dx, top: py - HEIGHT / 2, width };
    if (view.sees(px, py) && !labels.some((label) => meet(label.box, box))) labels.push({ text, x, y, dx, box });
  };
  if (view.zoom < FARTHEST && cloud.n > MOST.points) {
    for (const { code, x, y } of centres.slice(0, MOST.clouds)) put(own.names[code - 1], x, y, true);
    return labels;
  }
  if (!names) return labels;
  for (const i of worthNaming(cloud, view, results)) {
    if (labels.length >= MOST.labels) break;
    const text = names.at(i);
    const short = text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text;
    put(short, cloud.x[i] + 0.5, cloud.y[i] + 0.5, false);
  }
  return labels;
}

function meet(one, other) {
  return (
    one.left < other.left + other.width + GAP &&
    other.left < one.left + one.width + GAP &&
    Math.abs(one.top - other.top) < HEIGHT
  );
}

/** Shown points on the screen, the results first; the results alone where there are too many to name. */
function worthNaming(cloud, view, results) {
  const found = cloud.within(...view.box, MOST.points + 1);
  return found.length > MOST.points ? results : [...new Set([...results, ...found])];
}
