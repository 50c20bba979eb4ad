// Pictures of a conversation: asked for with "/picture", seen emerging, and what can be made of one.
import { announce } from "../../ui/announce.js";
import { bindExpansion } from "../../ui/expand.js";
import { headers } from "../../net/headers.js";
import { fragment, morph } from "../../lib/morph.js";
import { keepScroll } from "../../ui/scroll.js";
import { coalesce } from "../../lib/coalesce.js";
import { gettext, ngettext } from "../../lib/i18n.js";

const COMMAND = /^\/picture(\s+|$)/i;
const EVERY_MS = 1000;
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const bar = form.querySelector("[data-picture-bar]");
const start = bar?.querySelector("[data-picture-start]");
let startFrom = null; // {how, parent} for the next picture
let once = null; // all that goes with one that is asked for by a button

// What goes with a text that asks for a picture; undefined for a question.
export function getPictureOptions(text) {
  if (!COMMAND.test(text)) return undefined;
  if (once || !bar) return once ?? {};
  const value = (name) => bar.querySelector(`#picture-${name}`).value;
  const negative = bar.querySelector("[data-picture-negative]")?.value.trim();
  return { count: Number(value("count")), shape: value("shape"), ...(negative && { negative }), ...(startFrom && { ...startFrom, strength: Number(value("strength")) }) };
}

function setStart(parent, source, how = "start") {
  startFrom = parent && { how, parent };
  if (!start) return;
  start.hidden = !parent;
  start.querySelector("img").src = source ?? "";
}

function writePrompt(words) {
  field.value = `/picture ${words}`;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

// Sent as if it had been written; what is being written stays.
function requestPicture(words, also) {
  const draft = field.value;
  once = also;
  field.value = `/picture ${words}`;
  form.requestSubmit();
  once = null;
  field.value = draft;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

const verbs = {
  vary: (id, words) => requestPicture(words, { how: "vary", parent: id }),
  upscale: (id, words) => requestPicture(words, { how: "upscale", parent: id }),
  edit: (_, words) => writePrompt(words),
  start(id, words, tile) {
    setStart(id, tile.querySelector("img").src);
    writePrompt(words);
  },
  async cancel(id, _, tile) {
    await htmx.ajax("POST", `/pictures/${id}/cancel/`, { source: tile, target: tile, swap: "none" });
    refreshPictures();
  },
};

document.addEventListener("click", ({ target }) => {
  const verb = target.closest("[data-picture-do]")?.dataset.pictureDo;
  const tile = target.closest("[data-picture]");
  if (verb) return verbs[verb](tile.dataset.picture, tile.dataset.prompt, tile);
  if (target.closest("[data-picture-unstart]")) setStart(null);
  const chip = target.closest("[data-attached-do]")?.closest("[data-attached]");
  if (chip && target.closest('[data-attached-do="start"]')) setStart(chip.dataset.attached, chip.querySelector("img").src, "attached");
  else if (chip && chip.dataset.attached === startFrom?.parent) setStart(null); // it was taken away
  if (!target.closest("[data-picture-begin]")) return;
  if (COMMAND.test(field.value)) return field.focus();
  writePrompt(field.value.trim());
});

// Asked anew with other words, it keeps what it had begun with.
document.addEventListener("question:rerun", ({ target, detail }) => {
  const options = target.querySelector("[data-picture-options]")?.dataset.pictureOptions;
  if (!options || !COMMAND.test(detail.text)) return;
  once = JSON.parse(options);
  setTimeout(() => (once = null));
}, { capture: true });

const expander = bindExpansion(bar, { read: () => field.value.replace(COMMAND, "").trim(), write: writePrompt });

// The choices stand there while a picture is being described; once it was asked for, the next begins from nothing.
function updateBar() {
  if (!bar) return;
  bar.hidden = !COMMAND.test(field.value);
  if (bar.hidden) expander?.forget();
}
field.addEventListener("input", updateBar);
form.addEventListener("submit", () => {
  const isOwnStart = once === null;
  setTimeout(() => {
    updateBar();
    if (isOwnStart && !field.value) setStart(null);
  });
});
updateBar();

// The new previews are loaded before they take the place of the old ones, so that nothing flickers.
async function refetch(part) {
  const { turn } = part.closest("[data-turn]").dataset;
  const answer = await fetch(`/answers/${turn}/pictures/`, { headers }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = fragment(await answer.text());
  await Promise.all([...fresh.querySelectorAll("img")].map(({ src }) => Object.assign(new Image(), { src }).decode().catch(() => {})));
  keepScroll(() => morph(part, fresh));
  const ready = part.querySelectorAll('[data-status="ready"]').length;
  if (!part.querySelector("[data-active]")) announce(ready ? ngettext("%(n)s picture is ready.", "%(n)s pictures are ready.", ready) : gettext("No picture was created."));
}

const refreshPictures = coalesce(async () => {
  // Those that are not finished, and those that the model has asked for, of which nothing is shown yet.
  const requested = "[data-turn]:has([data-pictures-asked]) [data-part=pictures]:empty";
  const parts = [...document.querySelectorAll(`[data-turn] [data-part=pictures]:has([data-active]), ${requested}`)];
  await Promise.all(parts.map(refetch));
});

setInterval(() => document.hidden || refreshPictures(), EVERY_MS);
document.addEventListener("pictures:changed", () => document.querySelectorAll("[data-turn] [data-part=pictures]:not(:empty)").forEach(refetch));
