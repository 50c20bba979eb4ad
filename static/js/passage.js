// The passage comes into view, on a page of its own and in a panel; arrow keys turn pages.
const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";

function bring(root, behavior) {
  const here = root.querySelector("[data-passage] [data-here], [data-passage][data-here]");
  here?.scrollIntoView({ block: "center", inline: "center", behavior });
}

bring(document, "instant");
document.addEventListener("htmx:afterSettle", (event) => bring(event.target, smooth));

document.addEventListener("keydown", (event) => {
  const busy = event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (!busy) document.querySelector(`.reading-bar a[data-key="${event.key}"]`)?.click();
});
