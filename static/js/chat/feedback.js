// The thumbs under an answer: kept at once, then the panel asks for more. Which one is pressed is what the server says.
import { openPanel } from "../ui/panel.js";

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-thumb]");
  if (!button) return;
  const address = `/answers/${button.closest("[data-turn]").dataset.turn}/feedback/`;
  openPanel(button, address, { verb: "POST", values: { thumb: button.dataset.thumb } });
});

document.querySelector("[data-panel-body]").addEventListener("htmx:afterSettle", ({ currentTarget }) => {
  const rated = currentTarget.querySelector("[data-rated]");
  if (!rated) return;
  for (const button of document.querySelectorAll(`#turn-${CSS.escape(rated.dataset.of)} [data-thumb]`)) {
    button.ariaPressed = String(button.dataset.thumb === rated.dataset.rated);
  }
});
