// What is typed while no field has the focus goes into the question field of a chat. On other pages "?" shows the keys;
// single letters work only on review pages, elsewhere where a user has switched them on. They can be switched off there.
import { readStored, store } from "../lib/storage.js";

const dialog = document.getElementById("shortcuts");
const composer = document.querySelector("[data-composer] textarea");
export const isTextField = (target) => target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio])");

export const areShortcutsOff = () => readStored("single-keys") === "off"; // on review pages, and "?"
export const areLetterKeysOn = () => readStored("letter-keys") === "on"; // on other pages

// A dead key and an input method begin a letter as well.
const isCharacter = ({ key }) => ([...key].length === 1 && key !== " ") || key === "Dead" || key === "Process";
const isModified = (event) => (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph"); // AltGr writes
const isIgnored = (event) => event.defaultPrevented || isModified(event) || isTextField(event.target);

function handleKey(event) {
  if (isIgnored(event) || document.querySelector("dialog[open]")) return;
  if (composer) return isCharacter(event) && composer.focus({ preventScroll: true }); // the browser then writes it there
  if (document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) return; // the page's own key
  if (event.key === "?" && !areShortcutsOff()) dialog.showModal();
  else if (event.key === "n" && areLetterKeysOn()) location.assign("/");
  else return;
  event.preventDefault();
}

function bindPreference(box, name, value) {
  box.checked = value;
  box.addEventListener("change", () => store(name, box.checked ? "on" : "off"));
}

if (dialog) {
  bindPreference(dialog.querySelector("[data-single-keys]"), "single-keys", !areShortcutsOff());
  bindPreference(dialog.querySelector("[data-letter-keys]"), "letter-keys", areLetterKeysOn());
  dialog.addEventListener("close", () => dialog.contains(document.activeElement) && document.activeElement.blur());
  document.addEventListener("keydown", handleKey);
  for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.addEventListener("click", () => dialog.showModal());
  }
}
