// A tool called by hand, from the list behind "/" or the menu: its arguments are asked for in a form, and the line that
// calls it is put before the question.
import { headers } from "../../net/headers.js";
import { fragment } from "../../lib/morph.js";
import { gettext } from "../../lib/i18n.js";

const field = document.querySelector("[data-composer] textarea");
const dialog = document.getElementById("tool-call");
const form = dialog.querySelector("form");
const fields = dialog.querySelector("[data-call-fields]");
let address = "";

const makeError = () => Object.assign(document.createElement("p"), { className: "error", role: "alert", textContent: gettext("The server is not responding. Try again in a moment.") });

function insertCommand(command) {
  const line = command.includes(" ") ? command : `${command} `; // else the list would open again
  const rest = field.value.trim();
  field.focus();
  field.value = rest ? `${line}\n${rest}` : line;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export async function openToolForm(url) {
  address = url;
  const answer = await fetch(url, { headers }).catch(() => null);
  if (address !== url) return; // another was chosen meanwhile
  fields.replaceChildren(answer?.ok && !answer.redirected ? fragment(await answer.text()) : makeError());
  if (!dialog.open) dialog.showModal();
  fields.querySelector("input, select, textarea")?.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch(address, { method: "POST", body: new FormData(form), headers }).catch(() => null);
  if (answer?.ok && !answer.redirected) {
    const { command } = await answer.json();
    dialog.addEventListener("close", () => insertCommand(command), { once: true });
    return dialog.close();
  }
  fields.querySelector(":scope > .error")?.remove();
  if (answer?.status !== 422) return fields.append(makeError());
  fields.replaceChildren(fragment(await answer.text()));
  fields.querySelector(".bad :is(input, select, textarea)")?.focus();
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-call-tool]");
  if (!button) return;
  openToolForm(button.dataset.callTool);
});
