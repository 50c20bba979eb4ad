// Who answers in a new chat: a link in the menu, or "@" in the question. The page of the assistant shows its own starters,
// so choosing one leads there; what was typed goes along as the draft of a new chat.
import { registerTrigger } from "./triggers.js";
import { gettext } from "../../lib/i18n.js";

const menu = document.querySelector("[data-assistants]");
const links = [...(menu?.querySelectorAll("a[data-name]") ?? [])];

registerTrigger("@", {
  label: gettext("Assistants"),
  find: (text) => links.filter((link) => link.isConnected && link.dataset.name.toLocaleLowerCase().includes(text)),
  take: (link) => setTimeout(() => link.click()), // after the draft was kept without the sign
});

// The first question was taken: the conversation keeps its assistant, and a link would lead away from it.
export function fixAssistant() {
  menu?.remove();
  document.querySelector("[data-with]")?.removeAttribute("hidden");
}
