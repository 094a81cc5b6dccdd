// Everything of the question that is not drawn: words, weights, photos that steer, the gallery.

import { thumb } from "./results.js";

const byId = (id) => document.getElementById(id);
const TYPING_MS = 250; // after the last letter

export class Form {
  #more = []; #less = []; #typing = null;

  constructor(changed) {
    this.changed = changed;
    const later = () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(changed, TYPING_MS);
    };
    byId("words").addEventListener("focus", () => fetch("/api/words").catch(() => {}), { once: true });
    for (const id of ["words", "where"]) byId(id).addEventListener("input", later);
    for (const id of ["weight", "cut"]) {
      byId(id).addEventListener("input", () => { this.#label(); later(); });
    }
    for (const id of ["sure", "mirror", "dedupe", "gallery"]) {
      byId(id).addEventListener("change", () => { this.#label(); changed(); });
    }
    this.#label();
  }

  /** The galleries, as the server told at the start. */
  start({ galleries }) {
    const chosen = byId("gallery").value;
    byId("gallery").replaceChildren(...galleries.map((each) => new Option(each.name, each.id)));
    if (galleries.some((each) => each.id === chosen)) byId("gallery").value = chosen;
    byId("chooser").hidden = galleries.length < 2;
    const photos = galleries.reduce((sum, each) => sum + each.photos, 0);
    const names = galleries.length === 1 ? galleries[0].name : `${galleries.length} galleries`;
    byId("gallery-line").textContent = `${names} · ${photos.toLocaleString("en")}`;
  }

  values() {
    return {
      gallery: byId("gallery").value || "0",
      words: byId("words").value.trim(),
      weight: Number(byId("weight").value) / 100,
      cut: Number(byId("cut").value) / 100,
      sure: byId("sure").checked,
      mirror: byId("mirror").checked,
      dedupe: byId("dedupe").checked,
      where: byId("where").value.trim(),
      more: this.#more,
      less: this.#less,
    };
  }

  restore({
    gallery, words = "", weight = 0.25, cut = 0, sure, mirror, dedupe, where = "", more, less,
  }) {
    if ([...byId("gallery").options].some((each) => each.value === gallery)) {
      byId("gallery").value = gallery;
    }
    byId("words").value = words;
    byId("weight").value = weight * 100;
    byId("cut").value = cut * 100;
    const ticks = { sure, mirror, dedupe };
    for (const [id, value] of Object.entries(ticks)) byId(id).checked = Boolean(value);
    byId("where").value = where;
    byId("where").closest("details").open = Boolean(sure || mirror || dedupe || where || cut);
    this.#more = Array.isArray(more) ? more : [];
    this.#less = Array.isArray(less) ? less : [];
    this.#label();
    this.#chips();
  }

  /** The weight matters only when there are words and something beside them. */
  balance(other) {
    byId("weight-field").hidden = !(other && this.values().words);
  }

  addSteer(way, photo) {
    const keep = (list) => list.filter((each) => each.key !== photo.key);
    this.#more = keep(this.#more);
    this.#less = keep(this.#less);
    (way === "more" ? this.#more : this.#less).push(photo);
    this.#chips();
  }

  /** After an update of the gallery its photos have other numbers: take those of the answer. */
  steered({ more, less }) {
    this.#more = more;
    this.#less = less;
    this.#chips();
  }

  #label() {
    byId("cut").disabled = byId("sure").checked; // one cut or the other
    byId("cut-value").textContent = `${byId("cut").value} %`;
    byId("weight").setAttribute("aria-valuetext", `${byId("weight").value} % words`);
  }

  #chips() {
    const chip = (photo, list, sign) => {
      const item = document.createElement("li");
      const image = document.createElement("img");
      image.src = thumb(photo, photo);
      image.alt = "";
      const text = document.createElement("span");
      text.textContent = sign;
      const drop = document.createElement("button");
      drop.type = "button";
      drop.textContent = "✕";
      drop.setAttribute("aria-label", `No longer ${sign.toLowerCase()} ${photo.name}`);
      drop.addEventListener("click", () => {
        list.splice(list.indexOf(photo), 1);
        this.#chips();
        this.changed();
      });
      item.className = sign === "More like" ? "plus" : "less";
      item.append(image, text, drop);
      return item;
    };
    byId("examples-of").replaceChildren(
      ...this.#more.map((photo) => chip(photo, this.#more, "More like")),
      ...this.#less.map((photo) => chip(photo, this.#less, "Less like")),
    );
  }
}
