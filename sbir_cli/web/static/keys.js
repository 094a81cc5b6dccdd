// A key for each tool, wherever nothing is typed and no dialog is open.

export const KEYS = [
  ["B", "brush"], ["E", "eraser"], ["Z", "undo"], ["Y", "redo"], ["X", "clear"],
  ["N", "turn to the other sheet"], ["O", "open a drawing"], ["S", "save, or repeat in a terminal"],
  ["/", "words"], ["arrows, Enter", "walk over the photos, see one large"],
  ["M, L", "in the large view: more, less like this"],
  ["W", "there: why it was found"], ["C, F", "there: copy path, open folder"],
];

export function watchKeys(board, others) {
  const acts = {
    b: () => board.use("brush"), e: () => board.use("eraser"), z: () => board.undo(),
    y: () => board.redo(), x: () => board.clear(), Delete: () => board.clear(), ...others,
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input:not([type=range]):not([type=checkbox]), select");
    if (typing || event.altKey || document.querySelector("dialog[open]")) return;
    let key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      if (event.shiftKey) key = "y";
    }
    if (!acts[key]) return;
    event.preventDefault();
    acts[key]();
  });
}
