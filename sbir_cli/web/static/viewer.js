// One photo large: where it is, why it was found, and the way to more or less of its kind.

import { post, reason } from "./ask.js";
import { thumb } from "./results.js";
import { copied } from "./sheets.js";

export class Viewer {
  #answer = null; #hits = []; #at = 0; #parts = {}; #comparing = null;

  /** `steer("more" | "less", hit, answer)` is called for the two buttons, `closed(hit)` at the end;
      `canReveal` is set by what the server told. */
  constructor(dialog, { steer, closed }) {
    Object.assign(this, { dialog, steer });
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
        <button class="action why" title="Why was it found? (W)">Why?</button>
        <button class="action copy" title="Copy path (C)">Copy path</button>
        <button class="action reveal" title="Open folder (F)">Open folder</button></div>
        <p class="hint" role="status"></p></div>`;
    for (const name of ["back", "on", "shut", "more", "less", "why", "copy", "reveal", "place",
      "path", "hint"]) this.#parts[name] = dialog.querySelector(`.${name}`);
    const on = (name, act) => this.#parts[name].addEventListener("click", act);
    on("back", () => this.#turn(-1));
    on("on", () => this.#turn(1));
    on("shut", () => dialog.close());
    on("more", () => this.#steer("more"));
    on("less", () => this.#steer("less"));
    on("why", () => this.#why());
    on("copy", () => this.#copy());
    on("reveal", () => this.#reveal());
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => {
      this.#comparing?.abort();
      closed(this.#hit);
    });
    this.image = dialog.querySelector("img");
    this.image.addEventListener("error", () => this.#tell("This photo cannot be shown."));
  }

  get #hit() { return this.#hits[this.#at]; }
  get #drawing() { return this.#answer.asked.like; }

  /** Show one of the hits of an answer; what is found meanwhile changes nothing here. */
  open(answer, hits, position) {
    [this.#answer, this.#hits, this.#at] = [answer, hits, position];
    this.#show();
    if (!this.dialog.open) this.dialog.showModal();
    this.#parts.more.focus();
  }

  #show() {
    const hit = this.#hit;
    const { place, path, back, on, reveal } = this.#parts;
    this.#tell("");
    this.#compared(false);
    this.image.src = thumb(this.#answer, hit, "large");
    this.image.alt = hit.name;
    place.textContent = `${hit.rank} · ${hit.score.toFixed(3)}`;
    path.textContent = hit.path;
    back.disabled = this.#at === 0;
    on.disabled = this.#at === this.#hits.length - 1;
    reveal.hidden = !this.canReveal;
  }

  #turn(step) {
    if (!this.#hits[this.#at + step]) return;
    this.#at += step;
    this.#show();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowLeft: () => this.#turn(-1), ArrowRight: () => this.#turn(1),
      m: () => this.#steer("more"), l: () => this.#steer("less"), w: () => this.#why(),
      c: () => this.#copy(), f: () => this.canReveal && this.#reveal(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #steer(way) {
    this.dialog.close();
    this.steer(way, this.#hit, this.#answer);
  }

  /** Show which parts of the drawing look like which of the photo, or the photo again. */
  async #why() {
    if (this.#parts.why.getAttribute("aria-pressed") === "true") return void this.#show();
    if (this.#comparing) return;
    const mine = new AbortController();
    this.#comparing = mine;
    this.#parts.why.textContent = "Comparing…";
    this.#tell("The drawing and the photo are compared; the first time takes some seconds.");
    try {
      const why = await this.#ask("explain", { like: this.#drawing }, mine.signal);
      if (mine.signal.aborted) return;
      this.#compared(true);
      this.image.src = why.picture;
      this.image.alt = `Your drawing and the photo: above with ${why.pairs} lines between parts `
        + "that look alike, below with heat maps of where each is like the other";
      this.#tell(why.meaning);
    } catch (error) {
      if (mine.signal.aborted) return;
      this.#compared(false);
      this.#tell(reason(error));
    }
  }

  /** Whether the comparison is shown, or just the photo; what is under way no longer matters. */
  #compared(yes) {
    this.#comparing?.abort();
    this.#comparing = null;
    const { why } = this.#parts;
    why.setAttribute("aria-pressed", yes);
    why.setAttribute("aria-disabled", !this.#drawing);
    why.textContent = this.#drawing ? "Why?" : "Why? Needs a drawing";
  }

  /** Something of the photo that is shown. */
  #ask(what, more = {}, signal = undefined) {
    const { gallery, version } = this.#answer;
    return post(`/api/${what}`, { gallery, version, id: this.#hit.id, ...more }, signal);
  }

  #tell(text) { this.#parts.hint.textContent = text; }

  async #copy() { this.#tell(await copied(this.#hit.path)); }

  async #reveal() {
    try {
      await this.#ask("reveal");
      this.#tell("Its folder was opened on this machine.");
    } catch (error) {
      this.#tell(reason(error));
    }
  }
}
