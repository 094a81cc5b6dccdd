// Drawings from files: opened, dropped or pasted. The server reads them as `sbir query` does.

import { fetchJSON, reason } from "./ask.js";
import { settled, withPicture } from "./drawing.js";

const LARGEST = 32 << 20; // bytes, as the server has it

/** The drawing that a file holds; throws an Error with a sentence for the person. */
export async function readFile(file) {
  if (file.size > LARGEST) throw new Error("The file is larger than 32 MB: choose a smaller one.");
  const place = `/api/read?name=${encodeURIComponent(file.name ?? "drawing")}`;
  const headers = { "Content-Type": "application/octet-stream" };
  const { picture, strokes } = await fetchJSON(place, { method: "POST", headers, body: file })
    .catch((error) => { throw new Error(reason(error)); });
  return picture ? withPicture(picture) : { strokes: strokes.map(settled), picture: null };
}

export function askForFile(input, open) {
  input.value = "";
  input.onchange = () => { if (input.files.length) open(input.files[0]); };
  input.click();
}

export function watchDrops(curtain, open) {
  const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  addEventListener("dragenter", (event) => {
    if (!holdsFile(event)) return;
    depth += 1;
    curtain.hidden = false;
  });
  addEventListener("dragleave", () => {
    depth = Math.max(depth - 1, 0);
    curtain.hidden = depth === 0;
  });
  addEventListener("dragover", (event) => { if (holdsFile(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    depth = 0;
    curtain.hidden = true;
    if (!holdsFile(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    if (file) open(file);
    else if (/^(<svg|<\?xml|\{)/.test(text) && !event.target.matches?.("input")) {
      open(new File([text], "pasted.svg"));
    } else return;
    event.preventDefault();
  });
}
