// Single keys work while nobody is typing; "?" shows them.
const dialog = document.getElementById("shortcuts");
const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

const actions = {
  "?": () => dialog.showModal(),
  "/": () => document.querySelector("[data-composer] textarea")?.focus(),
  n: () => location.assign("/"),
};

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.addEventListener("click", () => dialog.showModal());
  }
}
