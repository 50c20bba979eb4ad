// Who else answers the next question: another model, or another assistant with the model that it has.
import { storeDraft, readDraft } from "../drafts.js";

const menu = document.querySelector("[data-second]");
const chosen = () => menu?.querySelector("input:checked")?.dataset ?? {};

export function getSecondWriter() {
  const { model = null, assistant = null } = chosen();
  return model || assistant ? { model, assistant } : null;
}

menu?.addEventListener("input", () => {
  menu.querySelector("[data-second-words]").textContent = chosen().label ?? "";
});

// The second answer is due when the first is there, also if the page is loaded again meanwhile.
export const storeDueAnswer = (conversation, turn, other) => storeDraft("second", conversation, JSON.stringify({ turn, other }));

export function takeDueAnswer(conversation, turn) {
  const due = JSON.parse(readDraft("second", conversation) || "null");
  if (due?.turn !== turn) return null;
  storeDraft("second", conversation, "");
  return due.other;
}
