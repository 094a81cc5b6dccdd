// Questions to the server: the newest wins, an answer that comes too late is dropped, and a
// server that is gone is waited for.

const WAIT_MS = 1500; // between two looks for a server that is gone

export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** What is told of a question that failed. */
export const reason = (error) => (
  error instanceof ServerError ? error.message : "The server cannot be reached."
);

export async function fetchJSON(path, options = {}) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServerError(body.error ?? response.statusText, response.status);
  return body;
}

export const post = (path, body, signal) => fetchJSON(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
});

export class Asker {
  #page = crypto.getRandomValues(new Uint32Array(2)).join("-");
  #number = 0; #running = null; #waiting = null; #gone = false;

  /** `answered(answer, question)`, `refused(message)`, `reached(boolean)` tell what came of it. */
  constructor({ answered, refused, reached }) {
    Object.assign(this, { answered, refused, reached });
  }

  get busy() { return this.#running !== null; }

  /** Ask now; whatever was asked before no longer matters. */
  async ask(question) {
    this.#running?.abort();
    const mine = new AbortController();
    this.#running = mine;
    this.#number += 1;
    const body = { ...question, page: this.#page, number: this.#number };
    const started = performance.now();
    try {
      const answer = await post("/api/find", body, mine.signal);
      if (this.#running !== mine) return;
      this.#running = null;
      this.#found();
      this.answered(answer, question, performance.now() - started);
    } catch (error) {
      if (this.#running !== mine) return;
      this.#running = null;
      this.#failed(error, question);
    }
  }

  /** Forget whatever is under way. */
  drop() {
    this.#running?.abort();
    this.#running = null;
    this.#waiting = null;
  }

  #failed(error, question) {
    if (error.status === 429 || error.status === 503) { // too fast: the last one is asked again
      setTimeout(() => { if (!this.#running) this.ask(question); }, 400);
    } else if (error instanceof ServerError) {
      this.#found();
      this.refused(error.message);
    } else {
      this.#waiting = question;
      this.lost();
    }
  }

  #found() {
    if (this.#gone) this.reached(true);
    this.#gone = false;
  }

  /** Tell that the server cannot be reached, and wait for it. */
  lost() {
    if (this.#gone) return;
    this.#gone = true;
    this.reached(false);
    this.#look();
  }

  async #look() {
    await new Promise((resolve) => { setTimeout(resolve, WAIT_MS); });
    if (!this.#gone) return;
    try {
      await fetchJSON("/api/start");
    } catch (error) {
      if (!(error instanceof ServerError)) return void this.#look();
    }
    this.#found();
    if (this.#waiting && !this.#running) this.ask(this.#waiting);
  }

  /** Look now and then even when nothing is asked, so that the page tells before it is used. */
  watch(everyMs = 5000) {
    setInterval(async () => {
      if (this.#gone || this.busy || document.hidden) return;
      try {
        await fetchJSON("/api/start");
      } catch (error) {
        if (!(error instanceof ServerError)) this.lost();
      }
    }, everyMs);
  }
}
