// Several pictures are chosen with their boxes; a bar then says what can be done with them. Boxes survive the refreshes.
import { onChange } from "../lib/changes.js";
import { bindExpansion } from "../ui/expand.js";
import { gettext, interpolate } from "../lib/i18n.js";

const tiles = () => document.getElementById("tiles");
const boxes = () => [...tiles().querySelectorAll("input[name=picture]:checked")];

function show() {
  const bar = tiles().querySelector("[data-chosen]");
  if (!bar) return;
  const { length } = boxes();
  bar.hidden = length === 0;
  bar.querySelector("[data-chosen-words]").textContent = interpolate(gettext("%(n)s selected"), { n: length });
}

document.addEventListener("change", (event) => {
  if (event.target.name === "picture") show();
});
document.querySelector("[data-narrow]")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
onChange(show);

const prompt = document.querySelector(".studio textarea[name=prompt]");
bindExpansion(prompt?.form, { read: () => prompt.value.trim(), write: (words) => (prompt.value = words) });
show();
