// One sheet to draw on: pointer events to strokes, with undo and redo.

import * as drawings from "./drawing.js";

const { SIDE, EMPTY } = drawings;
const PEN_MEMORY_MS = 4000; // how long after a pen's last mark a touch is taken for the palm
const PALM = 60; // CSS pixels: a wider contact is a palm

export class Pad {
  #context; #history = [EMPTY]; #at = 0; #path = null; #pointer = null; #pen = -Infinity;
  #images = new Map();

  /** `changed(live)` is called with true while the pen moves and false when a mark is done. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.tool = "brush";
    this.#context = canvas.getContext("2d");
    for (const [name, handle] of Object.entries({
      pointerdown: this.#down, pointermove: this.#move, pointerup: this.#up,
      pointercancel: this.#cancel, contextmenu: (event) => event.preventDefault(),
    })) canvas.addEventListener(name, handle);
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** The drawing as it is, the mark under the pen included. */
  get drawing() {
    const done = this.#history[this.#at];
    if (!this.#path) return done;
    return this.tool === "eraser"
      ? drawings.erased(done, this.#path) : drawings.withStroke(done, this.#path);
  }

  get image() { return this.#images.get(this.drawing.picture?.url); }
  get canUndo() { return this.#at > 0; }
  get canRedo() { return this.#at < this.#history.length - 1; }

  undo() { if (this.canUndo) this.#go(this.#at - 1); }
  redo() { if (this.canRedo) this.#go(this.#at + 1); }
  clear() { if (!drawings.isEmpty(this.drawing)) this.put(EMPTY); }

  /** Take over a drawing as a step that can be undone; resolves when its picture is loaded. */
  async put(drawing) {
    await this.#load(drawing.picture?.url);
    this.#history = [...this.#history.slice(0, this.#at + 1), drawing];
    this.#go(this.#at + 1);
  }

  /** Begin with a drawing, as after a reload: nothing to undo, and nothing is asked yet. */
  async start(drawing) {
    await this.#load(drawing.picture?.url);
    this.#history = [drawing];
    this.#at = 0;
    this.#paint();
  }

  /** Show a drawing without taking it over. */
  preview(drawing) {
    drawings.paint(this.#context, drawing, this.#images.get(drawing.picture?.url));
  }

  /** What is posted of the drawing, or null when there is none. */
  toPost() { return drawings.toPost(this.drawing, this.image); }

  async #load(url) {
    if (!url || this.#images.has(url)) return;
    const image = new Image();
    image.src = url;
    await image.decode();
    this.#images.set(url, image);
  }

  #go(at) {
    this.#at = at;
    this.#paint();
    this.changed(false);
  }

  #resize() {
    const side = Math.round(this.canvas.clientWidth * Math.min(devicePixelRatio, 3));
    if (!side || this.canvas.width === side) return;
    this.canvas.width = side;
    this.canvas.height = side;
    this.#paint();
  }

  #paint() {
    const scale = this.canvas.width / SIDE;
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    this.preview(this.drawing);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const keep = (value) => Math.min(Math.max(value, 0), SIDE);
    return [
      keep(((event.clientX - box.left) / box.width) * SIDE),
      keep(((event.clientY - box.top) / box.height) * SIDE),
    ];
  }

  #isPalm(event) {
    if (event.pointerType !== "touch") return false;
    return event.timeStamp - this.#pen < PEN_MEMORY_MS || Math.max(event.width, event.height) > PALM;
  }

  #down = (event) => {
    if (event.pointerType === "pen") this.#pen = event.timeStamp;
    if (event.button > 0 && event.pointerType === "mouse") return;
    if (this.#isPalm(event)) return;
    if (this.#pointer !== null) {
      if (event.pointerType !== "pen") return; // a second finger
      this.#cancel(); // the palm came before the pen
    }
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.#path = [this.#point(event)];
    this.#paint();
  };

  #move = (event) => {
    if (event.pointerId !== this.#pointer) return;
    if (event.pointerType === "pen") this.#pen = event.timeStamp;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#path.push(this.#point(each));
    this.#paint();
    this.changed(true);
  };

  #up = (event) => {
    if (event.pointerId !== this.#pointer) return;
    const { drawing } = this;
    const rubbed = this.tool === "eraser";
    this.#path = null;
    this.#pointer = null;
    if (rubbed && drawings.isEmpty(this.#history[this.#at])) this.#paint();
    else this.put(drawing);
  };

  #cancel = (event) => {
    if (event && event.pointerId !== this.#pointer) return;
    this.#path = null;
    this.#pointer = null;
    this.#paint();
  };
}
