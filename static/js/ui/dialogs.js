// Dialogs that a button or a menu opens; rename and delete speak of the conversation that is on the page now.
const chat = document.querySelector("[data-chat]");

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault(); // a button that submits a form without scripts
    const dialog = document.getElementById(opener.dataset.opens);
    const menu = opener.closest("details");
    if (menu) menu.open = false;
    const title = dialog.querySelector("[name=title]");
    const shown = document.querySelector("[data-title]");
    if (title && shown) title.value = shown.textContent.trim();
    dialog.showModal();
    title?.select();
    dialog.addEventListener("close", () => (menu?.querySelector("summary") ?? opener).focus(), { once: true });
  }
  event.target.closest("[data-closes]")?.closest("dialog").close();
  if (event.target.matches?.("dialog")) event.target.close(); // a click beside it
});

document.addEventListener("submit", ({ target }) => {
  if (target.dataset.verb) target.action = `/c/${chat.dataset.conversation}/${target.dataset.verb}/`;
  if (!target.matches("[data-of-conversation]")) return;
  target.elements.id.value = chat.dataset.conversation;
  target.elements.back.value = `/c/${chat.dataset.conversation}/`;
});
