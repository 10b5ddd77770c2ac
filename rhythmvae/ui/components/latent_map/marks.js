// What lies over the points, on a canvas of its own: names of clouds, a visitor's own, rings, a walk, an outline.

const NAME = { font: '600 14px "Source Sans", "Source Sans 3", sans-serif', high: 18, halo: 4 };
const FADE = { from: 1.6, to: 3.2 }; // the zoom over which names of clouds go
const BADGE = { radius: 10, apart: 21 }; // of a file's number, px
const MOST_BADGES = 4; // of a file: a song has a hundred windows, and would be nothing but numbers
const WINDOW_PX = 4; // radius of its other windows
const SPREAD = { rings: 8, around: 6 };

export class Marks {
  #pictures = new Map(); // of names and badges
  #look = "";
  #measure = document.createElement("canvas").getContext("2d");
  #spread = { key: "", at: [], isBadge: [] };

  constructor(canvas) {
    this.canvas = canvas;
    this.g = canvas.getContext("2d");
  }

  resize(w, h, ratio) {
    this.ratio = ratio;
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
  }

  get nameHigh() {
    return NAME.high;
  }

  widthOf = (text) => {
    this.#measure.font = NAME.font;
    return this.#measure.measureText(text).width;
  };

  /**
   * `scene`: {camera, ink, ground, clouds, own, tray, corners, heard, cursor, outline}; all places are the map's but
   * the outline's, which is the screen's.
   */
  paint(scene) {
    const { g, ratio } = this;
    const { camera, ink, ground } = scene;
    const look = `${ink} ${ground} ${ratio}`;
    if (look !== this.#look) [this.#look, this.#pictures] = [look, new Map()];
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, camera.w, camera.h);
    Object.assign(g, { strokeStyle: ink, fillStyle: ink, lineWidth: 1.5 });
    this.#paintClouds(scene);
    this.#paintTray(scene);
    this.#paintOwn(scene);
    this.#paintWalk(scene);
    this.#paintRings(scene);
    if (scene.outline) this.#paintOutline(scene.outline);
  }

  /** They fade as the map comes closer: what is under the eye then is no cloud. */
  #paintClouds({ camera, clouds, ink, ground }) {
    const { g } = this;
    const alpha = Math.min(Math.max((FADE.to - camera.zoom) / (FADE.to - FADE.from), 0), 1);
    if (!alpha) return;
    g.globalAlpha = alpha;
    for (const { text, x, y } of clouds)
      this.#put(`name ${text}`, ...camera.screen(x, y), () => this.#nameOf(text, ink, ground));
    g.globalAlpha = 1;
  }

  #nameOf(text, ink, ground) {
    const [width, height] = [this.widthOf(text) + 2 * NAME.halo, NAME.high + 2 * NAME.halo];
    return this.#drawnOnce(width, height, (g) => {
      Object.assign(g, { font: NAME.font, textAlign: "center", textBaseline: "middle", lineJoin: "round" });
      Object.assign(g, { strokeStyle: ground, lineWidth: NAME.halo, fillStyle: ink });
      g.strokeText(text, width / 2, height / 2);
      g.fillText(text, width / 2, height / 2);
    });
  }

  // -- what has words in it is drawn once: a canvas of the page that is given a font has all styles computed anew ----

  /** Draw a picture around a place; `make` makes it where there is none of that key yet. */
  #put(key, x, y, make) {
    if (!this.#pictures.has(key)) this.#pictures.set(key, make());
    const { image, width, height } = this.#pictures.get(key);
    this.g.drawImage(image, x - width / 2, y - height / 2, width, height);
  }

  #drawnOnce(width, height, draw) {
    const image = document.createElement("canvas");
    image.width = Math.ceil(width * this.ratio);
    image.height = Math.ceil(height * this.ratio);
    const g = image.getContext("2d");
    g.scale(this.ratio, this.ratio);
    draw(g);
    return { image, width, height };
  }

  // -- a visitor's own --------------------------------------------------------------

  /** Where the badge of each stands on the screen: those that would overlap are moved aside. */
  badges(own, camera) {
    const key = `${own.length} ${camera.scale} ${own[0]?.x} ${own.at(-1)?.x}`;
    if (key !== this.#spread.key || own !== this.#spread.of) {
      const places = own.map(({ x, y }) => [x * camera.scale, y * camera.scale]);
      const isBadge = haveBadges(own);
      const free = spread(places.filter((_, k) => isBadge[k])).values();
      const at = places.map(([x, y], k) => {
        const [toX, toY] = isBadge[k] ? free.next().value : [x, y];
        return [toX - x, y - toY];
      });
      this.#spread = { key, of: own, at, isBadge };
    }
    return own.map(({ x, y }, k) => {
      const [sx, sy] = camera.screen(x, y);
      return [sx + this.#spread.at[k][0], sy + this.#spread.at[k][1]];
    });
  }

  /** {k, distance} of the badge under a hand; null if there is none. */
  badgeAt(own, camera, px, py, reach) {
    let [found, least] = [null, Math.max(reach, BADGE.radius)];
    for (const [k, [x, y]] of this.badges(own, camera).entries()) {
      const radius = this.#spread.isBadge[k] ? BADGE.radius : WINDOW_PX;
      const distance = Math.max(Math.hypot(x - px, y - py) - radius, 0);
      if (distance < least) [found, least] = [{ k, distance }, distance];
    }
    return found;
  }

  #paintOwn({ camera, own, ink, ground }) {
    const { g } = this;
    const badges = this.badges(own, camera);
    const { isBadge } = this.#spread;
    Object.assign(g, { strokeStyle: ground, fillStyle: ink });
    for (const [k, at] of badges.entries()) {
      if (isBadge[k]) continue;
      circle(g, ...at, WINDOW_PX);
      g.stroke();
      g.fill();
    }
    g.strokeStyle = ink;
    for (const [k, { x, y, label }] of own.entries()) {
      if (!isBadge[k]) continue;
      const [bx, by] = badges[k];
      if (bx < -BADGE.apart || by < -BADGE.apart || bx > camera.w + BADGE.apart || by > camera.h + BADGE.apart)
        continue;
      const [sx, sy] = camera.screen(x, y);
      if (Math.hypot(bx - sx, by - sy) > 1) {
        trace(g, [
          [sx, sy],
          [bx, by],
        ]);
        g.stroke();
        circle(g, sx, sy, 2);
        g.fill();
      }
      this.#put(`badge ${label}`, bx, by, () => this.#badgeOf(label, ink, ground));
    }
  }

  /** A number in a disc, or a triangle where there is none. */
  #badgeOf(label, ink, ground) {
    const size = 2 * BADGE.radius + 4;
    return this.#drawnOnce(size, size, (g) => {
      g.translate(size / 2, size / 2);
      if (label) circle(g, 0, 0, BADGE.radius);
      else {
        trace(g, [
          [0, -10],
          [9, 7],
          [-9, 7],
        ]);
        g.closePath();
      }
      Object.assign(g, { strokeStyle: ground, lineWidth: 2, fillStyle: ink });
      g.stroke();
      g.fill();
      Object.assign(g, {
        font: "bold 12px sans-serif",
        textAlign: "center",
        textBaseline: "middle",
        fillStyle: ground,
      });
      g.fillText(label, 0, 0.5);
    });
  }

  #paintTray({ camera, tray }) {
    for (const [x, y] of tray) {
      const [sx, sy] = camera.screen(x, y);
      this.g.strokeRect(sx - 6, sy - 6, 12, 12);
    }
  }

  /** Around what is heard, and around the keyboard's cursor. */
  #paintRings({ camera, heard, cursor, ink, ground }) {
    const { g } = this;
    const ring = ([x, y], radius, color, lineWidth) => {
      circle(g, x, y, radius);
      Object.assign(g, { strokeStyle: color, lineWidth });
      g.stroke();
    };
    if (heard) {
      const at = heard.on ?? camera.screen(...heard.at);
      ring(at, 13, ground, 6);
      ring(at, 13, ink, 3);
    }
    if (cursor) {
      ring(camera.screen(...cursor), 18, ground, 4);
      ring(camera.screen(...cursor), 18, ink, 1.5);
    }
    Object.assign(g, { strokeStyle: ink, lineWidth: 1.5 });
  }

  /** The corners of a walk, each with its letter, and the way from one to the next. */
  #paintWalk({ camera, corners, ink, ground }) {
    const { g } = this;
    const places = corners.map(({ x, y }) => camera.screen(x, y));
    if (places.length > 1) {
      g.setLineDash([5, 4]);
      trace(g, places);
      if (places.length > 2) g.closePath();
      g.stroke();
      g.setLineDash([]);
    }
    for (const [k, [x, y]] of places.entries())
      this.#put(`badge ${corners[k].label}`, x, y, () => this.#badgeOf(corners[k].label, ink, ground));
  }

  #paintOutline(outline) {
    const { g } = this;
    trace(g, outline);
    g.closePath();
    g.globalAlpha = 0.12;
    g.fill();
    g.globalAlpha = 1;
    g.stroke();
  }
}

/** Which of a visitor's windows have a badge: the first of each file. */
function haveBadges(own) {
  const seen = new Map(); // label -> how many so far
  return own.map(({ label }) => {
    seen.set(label, (seen.get(label) ?? 0) + 1);
    return seen.get(label) <= MOST_BADGES;
  });
}

/** Places in px, none nearer to another than a badge: who finds his taken goes to the nearest free one around it. */
function spread(places) {
  const taken = new Map(); // cell of the screen, as wide as a badge -> those in it
  const cell = (x, y) => `${Math.floor(x / BADGE.apart)} ${Math.floor(y / BADGE.apart)}`;
  const isFree = (x, y) => {
    for (const dx of [-1, 0, 1])
      for (const dy of [-1, 0, 1])
        for (const [a, b] of taken.get(cell(x + dx * BADGE.apart, y + dy * BADGE.apart)) ?? [])
          if ((a - x) ** 2 + (b - y) ** 2 < (BADGE.apart - 0.5) ** 2) return false;
    return true;
  };
  const all = [];
  for (const [x, y] of places) {
    let found = [x, y];
    for (let ring = 0; ring <= SPREAD.rings && !isFree(...found); ring += 1) {
      const n = Math.max(ring * SPREAD.around, 1);
      for (let k = 0; k < n; k += 1) {
        const angle = (2 * Math.PI * k) / n - Math.PI / 2;
        const there = [x + ring * BADGE.apart * Math.cos(angle), y + ring * BADGE.apart * Math.sin(angle)];
        if (!isFree(...there)) continue;
        found = there;
        break;
      }
    }
    all.push(found);
    const key = cell(...found);
    if (!taken.has(key)) taken.set(key, []);
    taken.get(key).push(found);
  }
  return all;
}

function circle(g, x, y, radius) {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
}

/** A path along places; what begins one goes to its first. */
function trace(g, places) {
  g.beginPath();
  for (const [x, y] of places) g.lineTo(x, y);
}
