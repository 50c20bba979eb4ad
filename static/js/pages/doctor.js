// The checks come in one by one: problems move to the top, and a line says how many there are once all have answered.
import { gettext, ngettext } from "../lib/i18n.js";

const list = document.querySelector(".checks");
const line = document.querySelector("[data-summary]");
const count = (state) => list.querySelectorAll(`.check.${state}`).length;

function arrange(check) {
  const successor = check.matches(".bad") ? ":scope > .check:not(.bad)" : ":scope > .check:not(.bad, .warn)";
  if (!check.matches(".good")) list.querySelector(successor)?.before(check);
}

function summarise() {
  if (list.querySelector("[hx-get]")) return;
  const good = count("good");
  const warnings = count("warn");
  const errors = count("bad");
  line.textContent = [
    ngettext("%(n)s check OK", "%(n)s checks OK", good),
    ngettext("%(n)s warning", "%(n)s warnings", warnings),
    ngettext("%(n)s error", "%(n)s errors", errors),
  ].join(", ");
}

list.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.matches?.(".check")) arrange(event.target);
  summarise();
});

for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  list.addEventListener(failure, (event) => {
    const check = event.target;
    check.querySelector(".words").textContent = gettext("This check did not answer. Check again.");
    check.removeAttribute("hx-get");
    check.classList.add("bad");
    arrange(check);
    summarise();
  });
}
