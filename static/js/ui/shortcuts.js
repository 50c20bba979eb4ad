// Single keys work while nobody is typing; "?" shows them. Who speaks to the computer can turn them off.
const dialog = document.getElementById("shortcuts");
const box = document.querySelector("[data-single-keys]");
export const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

const actions = {
  "?": () => dialog.showModal(),
  "/": () => document.querySelector("[data-composer] textarea")?.focus(),
  n: () => location.assign("/"),
};

export function off() {
  try {
    return localStorage.getItem("single-keys") === "off";
  } catch {
    return false; // storage may be forbidden
  }
}

if (dialog) {
  box.checked = !off();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem("single-keys", box.checked ? "on" : "off");
    } catch {
      // storage may be forbidden: the keys are as before on the next page
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || off() || typing(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action || document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) return; // the page's own key
    event.preventDefault();
    action();
  });
  for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.addEventListener("click", () => dialog.showModal());
  }
}
