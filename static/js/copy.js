// Copies an answer, or the code of one block, without pills and buttons.
import { gettext } from "./words.js";

const HELD_MS = 1600;

function plain(element) {
  const copy = element.cloneNode(true);
  for (const extra of copy.querySelectorAll(".pills, .writer, .code-copy")) extra.remove();
  // innerText keeps paragraphs and lists only while it is laid out.
  const stage = Object.assign(document.createElement("div"), { className: "copy-stage" });
  stage.append(copy);
  document.body.append(stage);
  const text = copy.innerText.trim();
  stage.remove();
  return text;
}

export const spoken = (answer) => ["quotes", "text"].map((part) => plain(answer.querySelector(`[data-part="${part}"]`))).filter(Boolean).join("\n\n");

async function copy(button, text) {
  const words = button.querySelector("[data-words]");
  const before = words.textContent;
  try {
    await navigator.clipboard.writeText(text);
    words.textContent = gettext("Copied");
  } catch {
    words.textContent = gettext("The browser does not allow it");
  }
  setTimeout(() => (words.textContent = before), HELD_MS);
}

function codeButton() {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "code-copy" });
  button.append(Object.assign(document.createElement("span"), { textContent: gettext("Copy") }));
  button.firstChild.dataset.words = "";
  button.setAttribute("aria-label", gettext("Copy the code"));
  return button;
}

// Finished code gets its button; a block that is still written would lose it again.
export function dress(root) {
  for (const code of root.querySelectorAll('[data-turn]:not([data-status="writing"]) .prose pre')) {
    if (!code.querySelector(".code-copy")) code.append(codeButton());
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], .code-copy");
  if (!button) return;
  const answer = button.closest("[data-answer]");
  if (button.matches(".code-copy")) copy(button, plain(button.parentElement));
  else copy(button, spoken(answer));
});
document.addEventListener("turn:closed", () => dress(document));
document.addEventListener("htmx:afterSwap", () => dress(document));
dress(document);
