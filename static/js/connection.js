// A slim bar says so when the line is gone; it waits a moment, because most losses are over before anyone looks.
const bar = document.querySelector("[data-connection]");
const PATIENCE_MS = 700;
const WORDS = {
  lost: "Reconnecting… What you send meanwhile is kept.",
  "too many": "This is open in too many windows. Close one, and this one goes on by itself.",
};
let timer = 0;

export function connection(state) {
  clearTimeout(timer);
  if (state === "open") {
    bar.hidden = true;
    return;
  }
  if (state === "signed out") {
    const link = Object.assign(document.createElement("a"), { href: `/accounts/login/?next=${encodeURIComponent(location.pathname)}`, textContent: "Sign in again" });
    bar.replaceChildren("You have been signed out. ", link, ". What you typed is kept.");
    bar.hidden = false;
    return;
  }
  timer = setTimeout(() => {
    bar.textContent = WORDS[state];
    bar.hidden = false;
  }, PATIENCE_MS);
}
