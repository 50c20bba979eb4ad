// A link of an answer says where it leads before it opens a page elsewhere.
const dialog = document.getElementById("leave");
const go = dialog.querySelector("[data-go]");

function leaving(event) {
  const link = event.target.closest('.prose a[href^="http"]');
  if (!link || event.button > 1) return;
  event.preventDefault();
  const { host, href } = new URL(link.href);
  dialog.querySelector("[data-host]").textContent = host;
  dialog.querySelector("[data-address]").textContent = href;
  go.href = href;
  dialog.addEventListener("close", () => link.focus(), { once: true });
  dialog.showModal();
}

document.addEventListener("click", leaving);
document.addEventListener("auxclick", leaving); // the middle button
for (const button of [go, dialog.querySelector("[data-closes]")]) button.addEventListener("click", () => dialog.close());
