// Who answers in a new chat: a link in the menu, or "@" in the question. The page of the assistant shows its own starters,
// so choosing one leads there; what was typed goes along as the draft of a new chat.
import { trigger } from "./triggers.js";
import { gettext } from "../../lib/i18n.js";

const links = [...document.querySelectorAll("[data-assistants] a[data-name]")];

trigger("@", {
  label: gettext("Assistants"),
  find: (text) => links.filter((link) => link.dataset.name.toLocaleLowerCase().includes(text)),
  take: (link) => setTimeout(() => link.click()), // after the draft was kept without the sign
});
