// The welcome of a first visit, the sheet that saves a drawing, and the list of keys.

import { SIDE, isEmpty, settled, toLine, toPNG, toSVG } from "./drawing.js";
import { KEYS } from "./keys.js";

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function fillWelcome(box, examples, show) {
  const list = element("ul", "", { class: "tries" });
  for (const { name, strokes: exact } of examples) {
    const strokes = exact.map(settled);
    const button = element("button", "", { type: "button" });
    button.append(picture(strokes), element("span", name));
    button.addEventListener("click", () => show({ strokes, picture: null }));
    const item = element("li");
    item.append(button);
    list.append(item);
  }
  box.replaceChildren(
    element("h2", "Draw a thing. Its photos come while you draw."),
    element("p", "A few bold lines are enough: the shape counts, not the skill. Or open, drop or "
      + "paste a drawing, or the photo of one. To see how it goes, start from one of these."),
    list,
  );
}

function picture(strokes) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  svg.setAttribute("aria-hidden", "true");
  for (const stroke of strokes) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", `M${stroke.map((point) => point.join(" ")).join("L")}`);
    svg.append(path);
  }
  return svg;
}

function closing(box) {
  const button = element("button", "Close", { class: "action", type: "button" });
  button.addEventListener("click", () => box.close());
  return button;
}

export function fillKeys(box) {
  const list = element("dl");
  for (const [key, meaning] of KEYS) {
    const term = element("dt");
    term.append(element("kbd", key));
    list.append(term, element("dd", meaning));
  }
  box.replaceChildren(
    element("h2", "Keys and hints", { id: "keys-title" }), list,
    element("p", "Draw the outline large, with few lines. A second sheet says what it is not. "
      + "Photos can steer: open one and choose more or less like this."),
    closing(box),
  );
}

/** Save as SVG or PNG, and the command that gives the same list in a terminal. */
export function fillSaver(box, board, answer) {
  const row = element("div", "", { class: "row" });
  for (const [side, name] of [["like", "drawing"], ["unlike", "not"]]) {
    const pad = board.pads[side];
    if (isEmpty(pad.drawing)) continue;
    if (!pad.drawing.picture) {
      row.append(link(`${name}.svg`, new Blob([toSVG(pad.drawing)], { type: "image/svg+xml" })));
      row.append(link(`${name}.ndjson`, new Blob([toLine(pad.drawing), "\n"])));
    }
    const png = element("a", `${name}.png`, { class: "action", download: `${name}.png` });
    png.href = toPNG(pad.drawing, pad.image);
    row.append(png);
  }
  if (!row.children.length) row.append(element("p", "Nothing is drawn yet."));
  box.replaceChildren(
    element("h2", "Save the drawing", { id: "saver-title" }), row,
    ...(answer?.command ? repeat(answer.command) : []), closing(box),
  );
}

/** Copy, and tell what came of it. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    return "The browser does not let this page copy: mark the text above.";
  }
}

function link(name, blob) {
  const made = element("a", name, { class: "action", download: name });
  made.href = URL.createObjectURL(blob);
  return made;
}

function repeat(command) {
  const told = element("p", "", { role: "status", class: "soft" });
  const copy = element("button", "Copy command", { class: "action first", type: "button" });
  copy.addEventListener("click", async () => { told.textContent = await copied(command); });
  const row = element("div", "", { class: "row" });
  row.append(copy);
  return [
    element("h2", "The same list in a terminal"),
    element("p", "Where the saved drawing lies (.ndjson holds the strokes as they are asked):",
      { class: "soft" }),
    element("p", command, { class: "command", tabindex: "0" }), row, told,
  ];
}
