// Which documents are searched: kinds, languages, a folder, days. They are chosen in the menu, and stand as chips beside the field.
import { selectionChanges, getSelected } from "./collections.js";
import { gettext, interpolate } from "../../lib/i18n.js";

const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const chips = form.querySelector("[data-filter-chips]");
const sheet = form.querySelector("[data-filters]"); // there is none where there are no collections
const menu = sheet?.closest("details");
const DAYS = { since: () => gettext("from %(day)s"), until: () => gettext("until %(day)s") };
let parts = JSON.parse(sheet?.dataset.parts || "[]"); // [{name, value, words}]
let asking = null;

const getValues = (name) => parts.filter((part) => part.name === name).map((part) => part.value);

export const getFilters = () => ({
  kinds: getValues("kinds"),
  languages: getValues("languages"),
  path: getValues("path")[0] ?? "",
  since: getValues("since")[0] ?? "",
  until: getValues("until")[0] ?? "",
});
export const clearFilters = () => choose([]);

function choose(next) {
  parts = next;
  chips.replaceChildren(...parts.map(makeChip));
}

function makeChip(part) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "chip" });
  made.append(part.words, Object.assign(document.createElement("span"), { textContent: "×", ariaHidden: "true" }));
  made.setAttribute("aria-label", interpolate(gettext("Remove filter: %(words)s"), part));
  made.addEventListener("click", () => {
    choose(parts.filter((other) => other !== part));
    field.focus();
  });
  return made;
}

// What the fields of the menu say, with the words that people know it by.
function readFields() {
  const day = (input) => interpolate(DAYS[input.name](), { day: new Date(`${input.value}T12:00`).toLocaleDateString(document.documentElement.lang, { dateStyle: "long" }) });
  return [...sheet.querySelectorAll("input, select")]
    .filter((input) => (input.type === "checkbox" ? input.checked : input.value))
    .map((input) => ({
      name: input.name,
      value: input.value,
      words: input.type === "date" ? day(input) : (input.dataset.words ?? interpolate(gettext("in %(folder)s"), { folder: input.value })),
    }));
}

async function fetchSheet() {
  asking?.abort();
  asking = new AbortController();
  const collections = getSelected().length ? getSelected() : sheet.dataset.of.split(" ").filter(Boolean);
  const query = new URLSearchParams([...collections.map((collection) => ["in", collection]), ...parts.map((part) => [part.name, part.value])]);
  const reply = await fetch(`${sheet.dataset.filters}?${query}`, { signal: asking.signal });
  if (!reply.ok) throw new Error(reply.statusText);
  return Object.assign(document.createElement("template"), { innerHTML: await reply.text() }).content;
}

// All of it anew, or only the line that says how many documents pass.
async function show(all) {
  try {
    const fresh = await fetchSheet();
    if (all) sheet.replaceChildren(fresh);
    else sheet.querySelector("[data-match-count]").textContent = fresh.querySelector("[data-match-count]").textContent;
  } catch (error) {
    if (error.name === "AbortError") return;
    const words = gettext("The filters could not be loaded. Close the menu and open it again.");
    if (all) sheet.replaceChildren(Object.assign(document.createElement("p"), { className: "help", role: "alert", textContent: words }));
  }
}

if (sheet) {
  menu.addEventListener("toggle", () => menu.open && show(true));
  selectionChanges.addEventListener("change", () => menu.open && show(true));
  sheet.addEventListener("change", () => {
    choose(readFields());
    show(false);
  });
}
choose(parts);
