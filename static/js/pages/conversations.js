// The page of all conversations: selecting many, and what can be done with them.
import { gettext, interpolate } from "../lib/i18n.js";
import { watchSelection } from "../ui/selection.js";

const results = () => document.querySelector("[data-found]");

watchSelection(results, (chosen) => {
  const bulk = results().querySelector("[data-bulk]");
  if (!bulk) return;
  bulk.querySelector("[data-bulk-actions]").hidden = !chosen;
  bulk.querySelector("[data-bulk-words]").textContent = chosen ? interpolate(gettext("%(n)s selected"), { n: chosen }) : gettext("Select all");
});
