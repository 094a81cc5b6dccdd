// The question in the page's address, behind the #, which a browser never sends anywhere:
// a reload and a bookmark keep it.

const VERSION = "1.";

async function through(stream, bytes) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

const toText = (bytes) => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const toBytes = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0),
);

/** Differences of neighbours are small numbers, which pack well. */
const deltas = (stroke) => stroke.flatMap(([x, y], i) => (
  i ? [x - stroke[i - 1][0], y - stroke[i - 1][1]] : [x, y]
));

function points(numbers) {
  const out = [];
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const [x, y] = out.at(-1) ?? [0, 0];
    out.push([x + numbers[i], y + numbers[i + 1]]);
  }
  return out;
}

const packDrawing = ({ strokes, picture }) => ({
  s: strokes.map(deltas),
  ...(picture && { p: picture.url, w: picture.wipes.map(deltas) }),
});

const unpackDrawing = ({ s = [], p, w = [] }) => ({
  strokes: s.map(points).filter((stroke) => stroke.length),
  picture: /^data:image\/png;base64,/.test(p ?? "") ? { url: p, wipes: w.map(points) } : null,
});

export async function pack({ like, unlike, ...rest }) {
  const text = JSON.stringify({ ...rest, like: packDrawing(like), unlike: packDrawing(unlike) });
  const bytes = new TextEncoder().encode(text);
  return VERSION + toText(await through(new CompressionStream("deflate-raw"), bytes));
}

/** The question of an address, or null when there is none that can be read. */
export async function unpack(hash) {
  const text = hash.replace(/^#/, "");
  if (!text.startsWith(VERSION)) return null;
  try {
    const packed = toBytes(text.slice(VERSION.length));
    const bytes = await through(new DecompressionStream("deflate-raw"), packed);
    const { like, unlike, ...rest } = JSON.parse(new TextDecoder().decode(bytes));
    return { ...rest, like: unpackDrawing(like), unlike: unpackDrawing(unlike) };
  } catch {
    return null;
  }
}
