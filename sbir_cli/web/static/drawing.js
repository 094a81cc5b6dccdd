// A drawing as a value: strokes on a square of SIDE units, over a picture when a file was opened.
// Values are never changed, so undo is a list of them.

export const SIDE = 1000;
const BRUSH = 26; // about the width that the model was trained on
const ERASER = 34; // radius
const PIXELS = 512; // of its PNG
const STEP = 4; // points nearer than this to the last one are left out

export const EMPTY = Object.freeze({ strokes: Object.freeze([]), picture: null });

export const isEmpty = (drawing) => !drawing.strokes.length && !drawing.picture;

/** A stroke without what a hand's trembling adds: whole units, no points closer than STEP. */
export function settled(points) {
  const kept = [];
  points.forEach(([x, y], i) => {
    const last = kept.at(-1);
    const far = !last || Math.hypot(x - last[0], y - last[1]) >= STEP;
    if (far || i === points.length - 1) kept.push([Math.round(x), Math.round(y)]);
  });
  return kept;
}

export const withStroke = (drawing, points) => ({
  ...drawing, strokes: [...drawing.strokes, settled(points)],
});

export const withPicture = (url) => ({ strokes: [], picture: { url, wipes: [] } });

/** What is left when a round eraser went along a path: strokes are cut, a picture is wiped. */
export function erased(drawing, path) {
  const way = dense(path, ERASER / 2);
  const gone = ([x, y]) => way.some(([a, b]) => (x - a) ** 2 + (y - b) ** 2 < ERASER ** 2);
  const strokes = drawing.strokes.flatMap((stroke) => {
    if (!stroke.some(gone) && !dense(stroke, ERASER / 2).some(gone)) return [stroke];
    const runs = [[]];
    for (const point of dense(stroke, STEP * 1.5)) {
      if (gone(point)) runs.push([]);
      else runs.at(-1).push(point);
    }
    return runs.filter((run) => run.length > 1).map(settled);
  });
  const picture = drawing.picture && {
    ...drawing.picture, wipes: [...drawing.picture.wipes, settled(path)],
  };
  return { strokes, picture };
}

function dense(points, step) {
  const out = points.slice(0, 1);
  for (let i = 1; i < points.length; i += 1) {
    const [[a, b], [x, y]] = [points[i - 1], points[i]];
    const pieces = Math.max(1, Math.ceil(Math.hypot(x - a, y - b) / step));
    for (let k = 1; k <= pieces; k += 1) {
      out.push([a + ((x - a) * k) / pieces, b + ((y - b) * k) / pieces]);
    }
  }
  return out;
}

/** Whether it is too little for a model to tell anything from. */
export function isSlight(drawing) {
  if (drawing.picture || !drawing.strokes.length) return false;
  let length = 0;
  for (const stroke of drawing.strokes) {
    for (let i = 1; i < stroke.length; i += 1) {
      length += Math.hypot(stroke[i][0] - stroke[i - 1][0], stroke[i][1] - stroke[i - 1][1]);
    }
  }
  return length < SIDE * 0.3;
}

/** One line of Quick, Draw! ndjson, which the server reads as `sbir query` would. */
export const toLine = (drawing) => JSON.stringify({
  drawing: drawing.strokes.map((s) => [s.map((p) => p[0]), s.map((p) => p[1])]),
});

export function toSVG(drawing) {
  const paths = drawing.strokes.map((stroke) => {
    const points = stroke.length > 1 ? stroke : [stroke[0], stroke[0]];
    return `<path d="M${points.map((p) => p.join(" ")).join(" L")}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}">\n`
    + `<g fill="none" stroke="black" stroke-width="${BRUSH}" stroke-linecap="round" `
    + `stroke-linejoin="round">\n${paths.join("\n")}\n</g>\n</svg>\n`;
}

/** Paint on a 2D context whose units are those of the drawing; `image` is the loaded picture. */
export function paint(context, drawing, image) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, SIDE, SIDE);
  if (drawing.picture && image) {
    context.drawImage(image, 0, 0, SIDE, SIDE);
    for (const path of drawing.picture.wipes) line(context, path, "#fff", 2 * ERASER);
  }
  for (const stroke of drawing.strokes) line(context, stroke, "#111", BRUSH);
}

function line(context, points, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...points[0]);
  if (points.length === 1) context.lineTo(...points[0]);
  for (let i = 1; i < points.length - 1; i += 1) {
    const [[x, y], [a, b]] = [points[i], points[i + 1]];
    context.quadraticCurveTo(x, y, (x + a) / 2, (y + b) / 2);
  }
  if (points.length > 1) context.lineTo(...points.at(-1));
  context.stroke();
}

/** The address of a PNG of the drawing. */
export function toPNG(drawing, image) {
  const canvas = document.createElement("canvas");
  canvas.width = PIXELS;
  canvas.height = PIXELS;
  const context = canvas.getContext("2d");
  context.scale(PIXELS / SIDE, PIXELS / SIDE);
  paint(context, drawing, image);
  return canvas.toDataURL("image/png");
}

/** What is posted: the strokes, or pixels when there is a picture below them. */
export function toPost(drawing, image) {
  if (isEmpty(drawing)) return null;
  if (!drawing.picture) return { line: toLine(drawing) };
  return { png: toPNG(drawing, image).split(",")[1] };
}
