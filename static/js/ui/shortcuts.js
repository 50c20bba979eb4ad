// What is typed while no field has the focus goes into the question field of a chat. On other pages "?" shows the keys;
// single letters work only on review pages, elsewhere where a user has switched them on. They can be switched off there.
const dialog = document.getElementById("shortcuts");
const composer = document.querySelector("[data-composer] textarea");
export const typing = (target) => target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio])");

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

export const off = () => stored("single-keys") === "off"; // on review pages, and "?"
export const letters = () => stored("letter-keys") === "on"; // on other pages

// A dead key and an input method begin a letter as well.
const writes = ({ key }) => ([...key].length === 1 && key !== " ") || key === "Dead" || key === "Process";
const modified = (event) => (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph"); // AltGr writes
const meant = (event) => event.defaultPrevented || modified(event) || typing(event.target);

function press(event) {
  if (meant(event) || document.querySelector("dialog[open]")) return;
  if (composer) return writes(event) && composer.focus({ preventScroll: true }); // the browser then writes it there
  if (document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) return; // the page's own key
  if (event.key === "?" && !off()) dialog.showModal();
  else if (event.key === "n" && letters()) location.assign("/");
  else return;
  event.preventDefault();
}

function remember(box, name, value) {
  box.checked = value;
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(name, box.checked ? "on" : "off");
    } catch {
      // storage may be forbidden: the keys are as before on the next page
    }
  });
}

if (dialog) {
  remember(dialog.querySelector("[data-single-keys]"), "single-keys", !off());
  remember(dialog.querySelector("[data-letter-keys]"), "letter-keys", letters());
  dialog.addEventListener("close", () => dialog.contains(document.activeElement) && document.activeElement.blur());
  document.addEventListener("keydown", press);
  for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.addEventListener("click", () => dialog.showModal());
  }
}
