// The two sheets, the tools below them, and the small picture of what the model sees.

import * as drawings from "./drawing.js";
import { Pad } from "./pad.js";

const byId = (id) => document.getElementById(id);
const SLIGHT = "That is very little to go on: draw a bit more.";
const PACE_MS = 26; // between the strokes of an example that draws itself

export class Board {
  #side = "like";

  constructor(changed) {
    this.changed = changed;
    this.pads = {};
    for (const side of ["like", "unlike"]) {
      this.pads[side] = new Pad(byId(`canvas-${side}`), (live) => {
        this.#refresh();
        changed(live);
      });
      const tab = byId(`tab-${side}`);
      tab.addEventListener("click", () => this.turn(side));
      tab.addEventListener("keydown", (event) => {
        if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.other(true);
      });
    }
    for (const tool of ["brush", "eraser"]) byId(tool).addEventListener("click", () => this.use(tool));
    for (const act of ["undo", "redo", "clear"]) byId(act).addEventListener("click", () => this[act]());
    this.#refresh();
  }

  get pad() { return this.pads[this.#side]; }

  undo() { this.pad.undo(); }
  redo() { this.pad.redo(); }
  clear() { this.pad.clear(); }

  drawings() {
    return { like: this.pads.like.drawing, unlike: this.pads.unlike.drawing };
  }

  use(tool) {
    for (const pad of Object.values(this.pads)) pad.tool = tool;
    for (const name of ["brush", "eraser"]) byId(name).setAttribute("aria-pressed", name === tool);
  }

  other(focus = false) { this.turn(this.#side === "like" ? "unlike" : "like", focus); }

  turn(side, focus = false) {
    this.#side = side;
    for (const name of ["like", "unlike"]) {
      const tab = byId(`tab-${name}`);
      tab.setAttribute("aria-selected", name === side);
      tab.tabIndex = name === side ? 0 : -1;
      byId(`pad-${name}`).hidden = name !== side;
    }
    if (focus) byId(`tab-${side}`).focus();
    this.#refresh();
  }

  async restore({ like, unlike }) {
    await Promise.all([this.pads.like.start(like), this.pads.unlike.start(unlike)]);
    this.#refresh();
  }

  /** Draw an example stroke by stroke, as a hand would, then leave it as one step. */
  async show(drawing) {
    this.turn("like");
    const { pad } = this;
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
      for (let count = 1; count < drawing.strokes.length; count += 1) {
        pad.preview({ ...drawing, strokes: drawing.strokes.slice(0, count) });
        await new Promise((resolve) => { setTimeout(resolve, PACE_MS); });
      }
    }
    await pad.put(drawing);
  }

  seen(picture) {
    byId("seen").hidden = !picture || this.#side !== "like";
    if (picture) byId("seen-image").src = picture;
  }

  hint(text, bad = false) {
    const slight = !text && drawings.isSlight(this.pads.like.drawing);
    byId("hint").textContent = slight ? SLIGHT : text;
    byId("hint").classList.toggle("bad", bad);
  }

  #refresh() {
    const { pad } = this;
    byId("undo").disabled = !pad.canUndo;
    byId("redo").disabled = !pad.canRedo;
    byId("clear").disabled = drawings.isEmpty(pad.drawing);
    byId("invite").hidden = !drawings.isEmpty(pad.drawing);
    byId("invite").textContent = this.#side === "like" ? "Draw here" : "Draw what it is not";
    if (this.#side !== "like" || drawings.isEmpty(pad.drawing)) byId("seen").hidden = true;
    for (const [side, each] of Object.entries(this.pads)) {
      byId(`tab-${side}`).classList.toggle("used", !drawings.isEmpty(each.drawing));
    }
  }
}
