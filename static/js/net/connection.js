// The bar that reports a lost connection. It appears after a moment, because most losses are over before anyone looks.
import { gettext } from "../lib/i18n.js";

const bar = document.querySelector("[data-connection]");
const PATIENCE_MS = 700;
const WORDS = {
  lost: gettext("Reconnecting… Messages that you send now are saved."),
  "too many": gettext("Openbook is open in too many windows. Close one, and this one continues automatically."),
};
let timer = 0;

export function showConnection(state) {
  clearTimeout(timer);
  if (state === "open") {
    bar.hidden = true;
    return;
  }
  if (state === "signed out") {
    const link = Object.assign(document.createElement("a"), { href: `/accounts/login/?next=${encodeURIComponent(location.pathname)}`, textContent: gettext("Sign in again") });
    bar.replaceChildren(gettext("You have been signed out."), " ", link, ". ", gettext("Your text is saved."));
    bar.hidden = false;
    return;
  }
  timer = setTimeout(() => {
    bar.textContent = WORDS[state];
    bar.hidden = false;
  }, PATIENCE_MS);
}
