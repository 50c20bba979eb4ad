// A few words become a whole description: what the model writes fills the field, and one's own words can be had back.
import { headers } from "../net/headers.js";
import { fragment } from "../lib/morph.js";
import { gettext } from "../lib/i18n.js";

// `place` holds the button and where it is said what came of it; `field` says how its words are read and written.
export function expanding(place, field) {
  const button = place?.querySelector("[data-expand]");
  if (!button) return;
  const region = place.querySelector("[data-expanded]");
  let own = null; // words of before

  const tell = (words) => region.replaceChildren(Object.assign(document.createElement("p"), { className: "small", textContent: words }));
  const put = (words) => {
    own ??= field.read();
    field.write(words);
  };

  async function ask() {
    const asked = field.read();
    tell(gettext("The model is writing…"));
    const body = new FormData();
    body.append("prompt", asked);
    const answer = await fetch(button.dataset.expand, { method: "POST", body, headers }).catch(() => null);
    if (!answer?.ok || answer.redirected) return tell(gettext("The server is not responding. Your text is unchanged."));
    const said = fragment(await answer.text());
    if (field.read() !== asked) return tell(gettext("You continued typing, so your text was not changed."));
    own = null;
    const full = said.querySelector("[data-expanded-prompt]")?.dataset.expandedPrompt;
    region.replaceChildren(said);
    if (full) put(full);
  }

  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await ask();
    button.removeAttribute("aria-busy");
  });

  region.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-expanded-name]");
    if (name) return put(name.textContent.trim());
    if (!target.closest("[data-expanded-undo]")) return;
    if (own !== null) field.write(own);
    own = null;
    region.replaceChildren();
  });

  return { forget: () => region.replaceChildren() };
}
