// A few words become a whole description: what the model writes fills the field, and one's own words can be had back.
import { headers } from "../net/headers.js";
import { fragment } from "../lib/morph.js";
import { gettext } from "../lib/i18n.js";

// `place` holds the button and where it is said what came of it; `field` says how its words are read and written.
export function bindExpansion(container, field) {
  const button = container?.querySelector("[data-expand]");
  if (!button) return;
  const region = container.querySelector("[data-expanded]");
  let original = null; // words of before

  const showStatus = (words) => region.replaceChildren(Object.assign(document.createElement("p"), { className: "small", textContent: words }));
  const replaceText = (words) => {
    original ??= field.read();
    field.write(words);
  };

  async function ask() {
    const prompt = field.read();
    showStatus(gettext("The model is writing…"));
    const body = new FormData();
    body.append("prompt", prompt);
    const answer = await fetch(button.dataset.expand, { method: "POST", body, headers }).catch(() => null);
    if (!answer?.ok || answer.redirected) return showStatus(gettext("The server is not responding. Your text is unchanged."));
    const reply = fragment(await answer.text());
    if (field.read() !== prompt) return showStatus(gettext("You continued typing, so your text was not changed."));
    original = null;
    const full = reply.querySelector("[data-expanded-prompt]")?.dataset.expandedPrompt;
    region.replaceChildren(reply);
    if (full) replaceText(full);
  }

  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await ask();
    button.removeAttribute("aria-busy");
  });

  region.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-expanded-name]");
    if (name) return replaceText(name.textContent.trim());
    if (!target.closest("[data-expanded-undo]")) return;
    if (original !== null) field.write(original);
    original = null;
    region.replaceChildren();
  });

  return { forget: () => region.replaceChildren() };
}
