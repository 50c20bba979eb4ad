// The page follows an answer only while its reader is at the bottom; otherwise a pill offers the way there.
const NEAR_PX = 48;
const button = document.querySelector("[data-latest]");
const root = document.documentElement;
let following = true;

const rest = () => root.scrollHeight - innerHeight - scrollY;

export function toBottom() {
  following = true;
  scrollTo({ top: root.scrollHeight, behavior: "instant" });
  button.hidden = true;
}

// Makes a change and keeps the reader where they are, or at the bottom.
export function around(change) {
  change();
  if (following) toBottom();
  else button.hidden = rest() < NEAR_PX;
}

addEventListener(
  "scroll",
  () => {
    following = rest() < NEAR_PX;
    if (following) button.hidden = true;
  },
  { passive: true },
);
button.addEventListener("click", () => {
  toBottom();
  document.querySelector("[data-composer] textarea").focus({ preventScroll: true });
});
