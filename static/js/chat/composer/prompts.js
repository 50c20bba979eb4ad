// Saved prompts and tools: "/" in the question finds them, and a menu has them; the values of their variables are asked for before they are put in.
import { openToolForm } from "./tool-calls.js";
import { registerTrigger } from "./triggers.js";
import { gettext } from "../../lib/i18n.js";

const VARIABLE = /\{\{\s*([^{}]+?)\s*\}\}/g;
const items = [...document.querySelectorAll("[data-prompts] [data-name]")];
const field = document.querySelector("[data-composer] textarea");
const dialog = document.getElementById("prompt-values");
const fields = dialog.querySelector("[data-prompt-fields]");
let template = null;
let position = 0; // in the question, where the sign stood

const findVariables = (text) => [...new Set([...text.matchAll(VARIABLE)].map(([, name]) => name))];

function insertText(text) {
  field.focus();
  field.setRangeText(text, position, position, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function makeField(name, index) {
  const id = `prompt-value-${index}`;
  const box = Object.assign(document.createElement("div"), { className: "field" });
  const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: name });
  box.append(label, Object.assign(document.createElement("input"), { id, name, required: true, autocomplete: "off" }));
  return box;
}

function take(item) {
  const { name, form, text } = item.dataset;
  if (form) return openToolForm(form);
  position = field.selectionStart; // the list has taken the sign out
  if (!findVariables(text).length) return setTimeout(() => insertText(text)); // once the list is closed
  template = text;
  dialog.querySelector("[data-prompt-title]").textContent = name;
  fields.replaceChildren(...findVariables(text).map(makeField));
  setTimeout(() => dialog.showModal());
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-insert-prompt]");
  if (!button) return;
  field.focus();
  take(button);
});

dialog.querySelector("form").addEventListener("submit", () => {
  const values = new Map([...fields.querySelectorAll("input")].map((input) => [input.name, input.value.trim()]));
  const text = template.replace(VARIABLE, (_, name) => values.get(name));
  dialog.addEventListener("close", () => insertText(text), { once: true });
});

registerTrigger("/", {
  label: gettext("Saved prompts"),
  // a tool is called where the question begins with its line
  find: (text) => items.filter(({ dataset }) => (dataset.find ?? dataset.name).toLocaleLowerCase().includes(text) && (!dataset.form || field.value.startsWith("/"))),
  take,
});
