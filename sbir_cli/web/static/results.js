// The photos found: they move to their new places, and more come while one scrolls.

const MOVE = { duration: 260, easing: "cubic-bezier(.2,.7,.2,1)" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export const thumb = (answer, hit, size = "small") => (
  `/photo/${answer.gallery}/${answer.version}/${hit.id}/${size}`
);

export class Results {
  #cards = new Map(); // by key: [element, hit]
  #answer = null;

  /** `open(answer, hits, position)` for a photo that is clicked, `more(offset)` when the end comes
      near. */
  constructor(grid, end, { open, more }) {
    this.grid = grid;
    this.open = open;
    grid.addEventListener("keydown", (event) => this.#walk(event));
    this.end = end;
    this.observer = new IntersectionObserver((entries) => {
      if (entries.at(-1).isIntersecting && this.#answer?.further) more(this.hits.length);
    }, { rootMargin: "900px" });
  }

  hits = [];

  get answer() { return this.#answer; }

  /** Show an answer, with the question as `asked`: photos that stay move, others come and go. */
  show(answer) {
    const before = this.#places();
    this.#take(answer);
    this.#lay(answer.hits);
    if (!calm.matches) this.#animate(before);
  }

  /** Add the next photos of the same answer below. */
  append(answer) {
    this.#answer = { ...this.#answer, further: answer.further };
    const known = new Set(this.hits.map((hit) => hit.key));
    this.#lay([...this.hits, ...answer.hits.filter((hit) => !known.has(hit.key))]);
  }

  clear() {
    this.#answer = null;
    this.hits = [];
    this.#cards.clear();
    this.grid.replaceChildren();
  }

  focus(hit) { (this.#cards.get(hit.key) ?? this.grid.firstChild)?.firstChild.focus(); }

  #take(answer) {
    if (this.#answer?.gallery !== answer.gallery) this.#cards.clear();
    this.#answer = answer;
  }

  #lay(hits) {
    const cards = new Map();
    hits.forEach((hit, position) => {
      const card = this.#cards.get(hit.key) ?? this.#card(hit);
      this.#fill(card, hit, position);
      cards.set(hit.key, card);
    });
    const held = document.activeElement?.closest?.(".grid > li");
    this.#cards = cards;
    this.hits = hits;
    this.grid.replaceChildren(...cards.values());
    this.observer.unobserve(this.end); // looks anew: the end may still be near
    this.observer.observe(this.end);
    if (held) (held.isConnected ? held : this.grid.firstChild)?.firstChild.focus({ preventScroll: true });
  }

  #card(hit) {
    const item = document.createElement("li");
    item.innerHTML = '<button class="photo" type="button"><span class="frame"><img alt="" '
      + 'loading="lazy" decoding="async"></span><span class="line"><span class="rank"></span>'
      + '<span class="name"></span><span class="score"></span></span></button>';
    const [button, image] = [item.firstChild, item.querySelector("img")];
    image.addEventListener("error", () => this.#lost(item));
    button.addEventListener("click", () => (
      this.open(this.#answer, this.hits, Number(item.dataset.position))
    ));
    image.src = thumb(this.#answer, hit);
    return item;
  }

  #fill(item, hit, position) {
    item.dataset.position = position;
    item.dataset.key = hit.key;
    const text = (name, value) => { item.querySelector(`.${name}`).textContent = value; };
    text("rank", hit.rank);
    text("name", hit.name);
    text("score", hit.score.toFixed(3));
    const button = item.firstChild;
    button.tabIndex = position ? -1 : 0;
    button.title = hit.path;
    item.querySelector(".same")?.remove();
    if (hit.folded) {
      const same = document.createElement("span");
      same.className = "same";
      same.textContent = `+${hit.folded}`;
      item.querySelector(".frame").append(same);
    }
  }

  async #lost(item) {
    const image = item.querySelector("img");
    const note = document.createElement("span");
    note.className = "lost";
    note.textContent = "cannot be shown";
    image.replaceWith(note);
    const reason = await fetch(image.src).then((r) => r.json()).catch(() => ({}));
    if (reason.error) note.textContent = reason.error;
  }

  #places() {
    return new Map([...this.#cards].map(([key, item]) => [key, item.getBoundingClientRect()]));
  }

  #animate(before) {
    const seen = (box) => box.bottom > 0 && box.top < innerHeight;
    const moves = [...this.#cards].map(([key, item]) => (
      [item, before.get(key), item.getBoundingClientRect()]
    ));
    for (const [item, from, to] of moves) {
      if (from && (seen(from) || seen(to)) && (from.x !== to.x || from.y !== to.y)) {
        const way = `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
        item.animate([{ transform: way }, { transform: "none" }], MOVE);
      } else if (!from && seen(to)) {
        item.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 160 });
      }
    }
  }

  /** Arrow keys walk over the photos, of which one is in the tab order. */
  #walk(event) {
    const cards = [...this.grid.children];
    const at = cards.indexOf(event.target.closest("li"));
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const columns = cards.filter((card) => card.offsetTop === cards[0].offsetTop).length;
    const step = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns,
      Home: -at, End: cards.length - 1 - at,
    }[event.key];
    const next = step !== undefined && cards[at + step];
    if (!next) return;
    event.preventDefault();
    cards[at].firstChild.tabIndex = -1;
    next.firstChild.tabIndex = 0;
    next.firstChild.focus();
  }
}
