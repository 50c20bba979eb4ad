// Who else answers the next question: another model, or another assistant with the model that it has.
import { keep, recall } from "../drafts.js";

const menu = document.querySelector("[data-second]");
const chosen = () => menu?.querySelector("input:checked")?.dataset ?? {};

export function second() {
  const { model = null, assistant = null } = chosen();
  return model || assistant ? { model, assistant } : null;
}

menu?.addEventListener("input", () => {
  menu.querySelector("[data-second-words]").textContent = chosen().label ?? "";
});

// The second answer is due when the first is there, also if the page is loaded again meanwhile.
export const owe = (conversation, turn, other) => keep("second", conversation, JSON.stringify({ turn, other }));

export function due(conversation, turn) {
  const owed = JSON.parse(recall("second", conversation) || "null");
  if (owed?.turn !== turn) return null;
  keep("second", conversation, "");
  return owed.other;
}
