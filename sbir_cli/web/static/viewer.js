// One photo large: where it is, and the way to more or less of its kind.

import { thumb } from "./results.js";
import { ServerError, post } from "./ask.js";

export class Viewer {
  #at = 0; #parts = {};

  /** `steer("more" | "less", hit)` is called for the two buttons; `canReveal` by the server. */
  constructor(dialog, results, { steer, explain }) {
    Object.assign(this, { dialog, results, steer, explain });
    this.canReveal = false;
    dialog.innerHTML = `
      <div class="stage"><img alt="">
        <button class="turn back" aria-label="Previous photo" title="Previous photo (←)">‹</button>
        <button class="turn on" aria-label="Next photo" title="Next photo (→)">›</button>
        <button class="shut" aria-label="Close" title="Close (Esc)">✕</button></div>
      <div class="about"><p><b class="place"></b> <span class="path"></span></p>
        <div class="row">
        <button class="action first more" title="More like this (M)">More like this</button>
        <button class="action less" title="Less like this (L)">Less like this</button>
        <button class="action copy" title="Copy path (C)">Copy path</button>
        <button class="action reveal" title="Open folder (F)">Open folder</button></div>
        <p class="hint" role="status"></p></div>`;
    for (const name of ["back", "on", "shut", "more", "less", "copy", "reveal", "place", "path",
      "hint"]) this.#parts[name] = dialog.querySelector(`.${name}`);
    const on = (name, act) => this.#parts[name].addEventListener("click", act);
    on("back", () => this.#turn(-1));
    on("on", () => this.#turn(1));
    on("shut", () => dialog.close());
    on("more", () => this.#steer("more"));
    on("less", () => this.#steer("less"));
    on("copy", () => this.#copy());
    on("reveal", () => this.#reveal());
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => results.focus(this.#at));
    this.image = dialog.querySelector("img");
    this.image.addEventListener("error", () => this.#tell("This photo cannot be shown."));
  }

  get #hit() { return this.results.hits[this.#at]; }

  open(position) {
    this.#at = position;
    this.#show();
    if (!this.dialog.open) this.dialog.showModal();
    this.#parts.more.focus();
  }

  #show() {
    const [hit, { answer }] = [this.#hit, this.results];
    const { place, path, back, on, reveal } = this.#parts;
    this.#tell("");
    this.image.src = thumb(answer, hit, "large");
    this.image.alt = hit.name;
    place.textContent = `${hit.rank} · ${hit.score.toFixed(3)}`;
    path.textContent = hit.path;
    back.disabled = this.#at === 0;
    on.disabled = this.#at === this.results.hits.length - 1;
    reveal.hidden = !this.canReveal;
  }

  #turn(step) {
    if (!this.results.hits[this.#at + step]) return;
    this.#at += step;
    this.#show();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowLeft: () => this.#turn(-1), ArrowRight: () => this.#turn(1),
      m: () => this.#steer("more"), l: () => this.#steer("less"),
      c: () => this.#copy(), f: () => this.canReveal && this.#reveal(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #steer(way) {
    const hit = this.#hit;
    this.dialog.close();
    this.steer(way, hit);
  }

  #tell(text) { this.#parts.hint.textContent = text; }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#hit.path);
      this.#tell("The path is copied.");
    } catch {
      this.#tell("The browser does not let this page copy: mark the path above.");
    }
  }

  async #reveal() {
    const { gallery, version } = this.results.answer;
    try {
      await post("/api/reveal", { gallery, version, id: this.#hit.id });
      this.#tell("Its folder was opened on this machine.");
    } catch (error) {
      this.#tell(error instanceof ServerError ? error.message : "The server cannot be reached.");
    }
  }
}
