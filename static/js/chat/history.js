// Of a long conversation the turns at its end are here, and those around the one that was looked for; the others come
// when their reader comes near, and what is being read stays where it is.
import { announceChange, onChange } from "../lib/changes.js";
import { headers } from "../net/headers.js";
import { fragment } from "../lib/morph.js";
import { openAtQuestion } from "../ui/scroll.js";

const NEAR = "900px 0px";
const root = document.documentElement;
const coming = new IntersectionObserver(
  (gaps) => {
    for (const { isIntersecting, target } of gaps) if (isIntersecting) fill(target);
  },
  { rootMargin: NEAR },
);

async function fill(gap) {
  if (gap.ariaBusy === "true") return;
  gap.ariaBusy = "true";
  const answer = await fetch(gap.dataset.gap, { headers }).catch(() => null);
  gap.ariaBusy = null;
  if (!answer?.ok || !gap.isConnected) return; // its button tries again
  const focused = gap.contains(document.activeElement);
  const turns = fragment(await answer.text());
  const [first] = turns.querySelectorAll("[data-turn]");
  const stays = "earlier" in gap.dataset ? gap.nextElementSibling : gap.previousElementSibling;
  const top = stays.getBoundingClientRect().top;
  root.style.overflowAnchor = "none"; // not every browser keeps what is read in its place, so none does
  gap.replaceWith(turns);
  scrollBy({ top: stays.getBoundingClientRect().top - top, behavior: "instant" });
  root.style.overflowAnchor = "";
  if (focused) (first.querySelector("a, button") ?? first).focus({ preventScroll: true });
  htmx.process(document.querySelector("[data-transcript]"));
  announceChange();
}

function watch() {
  for (const gap of document.querySelectorAll("[data-gap][data-earlier]")) coming.observe(gap);
}

document.addEventListener("click", ({ target }) => {
  const gap = target.closest("[data-fill]")?.closest("[data-gap]");
  if (gap) fill(gap);
});
onChange(watch);

// A conversation opens at its last question, or at the message that was looked for.
const at = new URLSearchParams(location.search).get("at");
const message = at && document.querySelector(`[data-turn="${CSS.escape(at)}"], [data-question-id="${CSS.escape(at)}"]`);
if (message && message.nextElementSibling) message.scrollIntoView({ block: "start", behavior: "instant" });
else if (!location.hash && document.querySelector("[data-turn]")) openAtQuestion();
watch();
