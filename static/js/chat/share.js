// The link of a conversation: its form in the panel.
import "../ui/clipboard.js";
import { openPanel } from "../ui/panel.js";
import { getLastId } from "./transcript.js";

document.addEventListener("click", ({ target }) => {
  const opener = target.closest("[data-share]");
  if (opener) {
    const menu = opener.closest("details");
    const { conversation } = document.querySelector("[data-chat]").dataset;
    menu.open = false;
    openPanel(menu.querySelector("summary"), `/c/${conversation}/share/?at=${getLastId() ?? ""}`);
  }
});
