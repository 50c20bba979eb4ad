// A menu closes when the attention goes elsewhere: a click outside, Esc, or the focus leaving it.
const open = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  const chosen = event.target.closest("[data-closes-menu] :is(a, button:not([aria-pressed]))");
  if (!chosen) return;
  const menu = chosen.closest(".menu");
  const focused = menu.contains(document.activeElement);
  setTimeout(() => {
    menu.open = false;
    if (focused && [chosen, document.body].includes(document.activeElement)) menu.querySelector("summary").focus({ preventScroll: true });
  });
});

// A press on words in a menu, such as a label's, focuses what the menu stands in: that is not elsewhere.
document.addEventListener("focusin", ({ target }) => {
  for (const menu of open()) if (!menu.contains(target) && !target.contains(menu)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopImmediatePropagation();
  }
});
