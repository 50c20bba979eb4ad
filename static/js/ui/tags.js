// The dialog of a conversation's tags. Its form comes from the server, with the user's own tags as buttons.
const dialog = document.querySelector("[data-tags-dialog]");
const LIST = "/conversations/all/";

const split = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);
const field = () => dialog.querySelector("[name=tags]");
const same = (one, other) => one.toLowerCase() === other.toLowerCase();

// Which of the offered tags stand in the field.
function mark() {
  const tags = split(field().value);
  for (const button of dialog.querySelectorAll("[data-tag]")) {
    button.setAttribute("aria-pressed", String(tags.some((tag) => same(tag, button.textContent.trim()))));
  }
}

function toggle(button) {
  const tag = button.textContent.trim();
  const tags = split(field().value);
  const others = tags.filter((other) => !same(other, tag));
  field().value = (others.length < tags.length ? others : [...tags, tag]).join(", ");
  mark();
}

export async function editTags(conversation, opener) {
  dialog.replaceChildren();
  opener.focus(); // has the focus again when the dialog closes
  await htmx.ajax("GET", `/c/${conversation}/tags/`, { target: dialog, swap: "innerHTML" });
  if (!dialog.firstElementChild || dialog.open) return;
  mark();
  dialog.showModal();
}

if (dialog) {
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest("[data-tags-cancel]")) dialog.close();
    else if (target.closest("[data-tag]")) toggle(target.closest("[data-tag]"));
  });
  dialog.addEventListener("input", mark);
  dialog.addEventListener("htmx:afterSettle", () => dialog.open && mark());
  dialog.addEventListener("htmx:afterRequest", ({ detail }) => {
    const refused = !detail.successful || detail.xhr.getResponseHeader("HX-Retarget");
    if (detail.requestConfig.verb !== "post" || refused) return;
    dialog.close();
    if (location.pathname === LIST) htmx.ajax("GET", location.href, { target: ".page", select: ".page", swap: "outerHTML" });
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tags]");
    if (!button) return;
    const menu = button.closest("details");
    menu.open = false;
    editTags(document.querySelector("[data-chat]").dataset.conversation, menu.querySelector("summary"));
  });
}
