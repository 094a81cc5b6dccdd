// The page: what is drawn and written becomes a question, and its answer photos.

import { Asker, fetchJSON, post } from "./ask.js";
import { Board } from "./board.js";
import { Form } from "./form.js";
import { pack, unpack } from "./address.js";
import { askForFile, readFile, watchDrops } from "./files.js";
import { Results } from "./results.js";
import { Viewer } from "./viewer.js";
import { fillKeys, fillSaver, fillWelcome } from "./sheets.js";
import { watchKeys } from "./keys.js";

const PAGE_OF = 30; // photos asked for at a time
const LIVE_MS = 120; // least time between questions while the pen moves
const ADDRESS_MS = 400; // browsers stop a page that changes its address too often

const byId = (id) => document.getElementById(id);
const board = new Board(changed);
const form = new Form(() => ask());
const asker = new Asker({ answered, refused, reached });
const results = new Results(byId("grid"), byId("end"), {
  open: (...photo) => viewer.open(...photo), more,
});
const viewer = new Viewer(byId("viewer"), { steer, closed: (hit) => results.focus(hit) });
let lastLive = 0;
let loading = false;
let saving = null;
let missed = null; // what keeps the page from starting

function question() {
  return {
    ...form.values(), like: board.pads.like.toPost(), unlike: board.pads.unlike.toPost(),
    offset: 0, count: PAGE_OF,
  };
}

const isAsked = (q) => Boolean(q.like || q.words || q.more.length);

function changed(live) {
  if (live && (asker.busy || performance.now() - lastLive < LIVE_MS)) return;
  lastLive = performance.now();
  ask(live);
}

function ask(live = false) {
  const wanted = question();
  form.balance(Boolean(wanted.like || wanted.more.length));
  if (!live) keepAddress();
  if (isAsked(wanted)) {
    byId("grid").classList.add("stale");
    asker.ask(wanted);
  } else {
    asker.drop();
    results.clear();
    board.seen(null);
    board.hint(wanted.unlike ? "Draw what you look for, too." : "");
    tell(missed ?? "");
    nothing("");
    byId("grid").classList.remove("stale");
    byId("welcome").hidden = false;
  }
}

function answered(answer, asked, ms) {
  byId("welcome").hidden = true;
  byId("grid").classList.remove("stale");
  form.steered(answer.steer);
  results.show({ ...answer, asked });
  board.seen(answer.seen);
  board.hint(answer.note ?? "");
  tell(`${answer.photos.toLocaleString("en")} photos searched in ${Math.round(ms)} ms`);
  nothing(answer.hits.length ? "" : (answer.nothing ?? "No photo is left: narrow down less."));
}

function refused(message) {
  byId("grid").classList.remove("stale");
  board.hint(message, true);
}

function reached(yes) {
  const banner = byId("gone");
  banner.hidden = yes;
  byId("grid").classList.remove("stale");
  banner.textContent = yes ? "" : "The server cannot be reached. Start sbir draw again on the same "
    + "port: your drawing stays here, and the page goes on by itself.";
  if (yes && missed) start();
}

async function more(offset) {
  if (loading || !results.answer) return;
  loading = true;
  const { asked, version } = results.answer;
  try {
    const answer = await post("/api/find", { ...asked, offset, page: "more", number: offset });
    if (results.answer?.asked !== asked) return;
    if (answer.version === version) results.append(answer);
    else ask(); // the gallery was updated in between
  } catch {
    // the next scroll tries again
  } finally {
    loading = false;
  }
}

function steer(way, hit, { gallery, version }) {
  form.addSteer(way, { id: hit.id, key: hit.key, name: hit.name, gallery, version });
  ask();
}

function tell(text) { byId("status").textContent = text; }

function nothing(text) {
  byId("nothing").textContent = text;
  byId("nothing").hidden = !text;
}

function keepAddress() {
  clearTimeout(saving);
  saving = setTimeout(async () => {
    const { like, unlike } = board.drawings();
    const values = form.values();
    const empty = !isAsked({ ...values, like: board.pads.like.toPost() }) && !unlike.strokes.length;
    const hash = empty ? "" : `#${await pack({ ...values, like, unlike })}`;
    if (location.hash !== hash) {
      history.replaceState(null, "", `${location.pathname}${hash}`);
    }
  }, ADDRESS_MS);
}

async function open(file) {
  board.hint("Reading the drawing…");
  try {
    await board.pad.put(await readFile(file));
  } catch (error) {
    board.hint(error.message, true);
  }
}

async function restore() {
  const kept = await unpack(location.hash);
  if (kept) {
    form.restore(kept);
    await board.restore(kept);
  }
  ask();
}

async function start() {
  try {
    const facts = await fetchJSON("/api/start");
    missed = null;
    form.start(facts);
    viewer.canReveal = facts.reveal;
    fillWelcome(byId("welcome"), facts.examples, (drawing) => board.show(drawing));
    await restore();
  } catch (error) {
    missed = error.message;
    tell(error.status ? error.message : "");
    if (!error.status) asker.lost();
  }
}

function sheet(id, fill) {
  fill(byId(id));
  byId(id).showModal();
}

const openSaver = () => sheet("saver", (box) => fillSaver(box, board, results.answer));
const openKeys = () => sheet("keys", fillKeys);

byId("open").addEventListener("click", () => askForFile(byId("file"), open));
byId("save").addEventListener("click", openSaver);
byId("help").addEventListener("click", openKeys);
watchDrops(byId("drop"), open);
watchKeys(board, {
  o: () => askForFile(byId("file"), open), s: openSaver, "?": openKeys,
  "/": () => byId("words").focus(), n: () => board.other(),
});
addEventListener("hashchange", restore);
asker.watch();
start();
