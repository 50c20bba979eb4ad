// Copies an answer with its sources and marks, as text or as Markdown, or the code of one block, without buttons.
import { onChange } from "../lib/changes.js";
import { headers } from "../net/headers.js";
import { copyText } from "../ui/clipboard.js";
import { gettext } from "../lib/i18n.js";

const EXTRA = ".more-quotes > summary, .more-quotes:not([open]), .code-copy, .folded > :not(summary), .folded .closed, .folded .open";

// What stands behind a sentence, as text.
function formatPills(pills) {
  const compared = pills.querySelector(".pill.compare");
  if (compared?.dataset.state === "contradicted") return `[${compared.textContent}]`;
  if (compared) return "[" + gettext("not verified") + `, ${compared.textContent}]`;
  const sources = pills.querySelector("[data-sources], [data-source]")?.dataset;
  if (sources) return (sources.sources ?? sources.source).split(",").map((number) => `[${number}]`).join("");
  if (pills.querySelector(".pill")) return pills.querySelector(".tool") ? `[${pills.textContent.trim()}]` : "";
  return pills.firstElementChild?.textContent.trim() ?? ""; // the words for screen readers, in brackets
}

function toPlainText(element, marks) {
  const copy = element.cloneNode(true);
  for (const extra of copy.querySelectorAll(EXTRA)) extra.remove();
  for (const pills of copy.querySelectorAll(".pills")) {
    const words = marks ? formatPills(pills) : "";
    pills.replaceWith(words && ` ${words}`);
  }
  // innerText keeps paragraphs and lists only while it is laid out, and leaves out what is not shown.
  const stage = Object.assign(document.createElement("div"), { className: "copy-stage" });
  stage.append(copy);
  document.body.append(stage);
  const text = copy.innerText.trim();
  stage.remove();
  return text;
}

const getParts = (answer, marks) => ["quotes", "text"].map((part) => toPlainText(answer.querySelector(`[data-part="${part}"]`), marks));

export const getSpokenText = (answer) => getParts(answer, false).filter(Boolean).join("\n\n");

// The sources that the text names, one a line.
function listSources(answer, text) {
  const named = new Set([...text.matchAll(/\[(?:[^\][]* )?(\d+)\]/g)].map(([, number]) => number));
  const links = [...answer.querySelectorAll('[data-part="sources"] a.passage')].filter(({ dataset }) => named.has(dataset.source));
  const lines = links.map((link) => [`[${link.dataset.source}]`, ...[...link.querySelector(".title").childNodes].map((node) => node.textContent.trim()).filter(Boolean)]);
  return lines.sort((one, other) => one[0].localeCompare(other[0], undefined, { numeric: true })).map(([number, ...words]) => `${number} ${words.join(", ")}`);
}

export function getCopiedText(answer) {
  const text = getParts(answer, true).filter(Boolean).join("\n\n");
  const ungrounded = answer.querySelector("[data-ungrounded]:not([hidden])");
  const listed = listSources(answer, text);
  return [ungrounded?.textContent.trim(), text, listed.length && gettext("Sources") + ":\n" + listed.join("\n")].filter(Boolean).join("\n\n");
}

// As an export writes it. The menu closes over its words, so that its name says that it is copied.
async function copyMarkdown(button) {
  const words = button.closest("details").querySelector("summary");
  const answer = await fetch(`/answers/${button.closest("[data-turn]").dataset.turn}/markdown/`, { headers }).catch(() => null);
  if (answer?.ok) copyText(await answer.text(), words.querySelector("span"));
}

function codeButton() {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "code-copy" });
  button.append(Object.assign(document.createElement("span"), { textContent: gettext("Copy") }));
  button.firstChild.dataset.words = "";
  button.setAttribute("aria-label", gettext("Copy the code"));
  return button;
}

// Finished code gets its button; a block that is still written would lose it again.
export function addCopyButtons(root) {
  for (const code of root.querySelectorAll('[data-turn]:not([data-status="writing"]) .prose pre')) {
    if (!code.querySelector(".code-copy")) code.append(codeButton());
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-markdown], .code-copy");
  if (!button) return;
  if ("copyMarkdown" in button.dataset) return copyMarkdown(button);
  const answer = button.closest("[data-answer]");
  if (button.matches(".code-copy")) copyText(toPlainText(button.parentElement, false), button);
  else copyText(getCopiedText(answer), button);
});
document.addEventListener("turn:closed", () => addCopyButtons(document));
onChange(() => addCopyButtons(document));
addCopyButtons(document);
