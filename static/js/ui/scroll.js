// A question that was asked comes to the top of the page and stays there while its answer grows below it: nothing scrolls by
// itself. Where the end lies below, a button leads there, and from then on the page follows until its reader scrolls up.
const NEAR_PX = 48;
const QUESTION_SHARE = 0.4; // of the window's height: of a longer question only its end is shown
const button = document.querySelector("[data-latest]");
const chat = document.querySelector("[data-chat]");
const composer = document.querySelector("[data-composer]");
const root = document.documentElement;
let following = false;
let lastScroll = 0; // where the page was scrolled to

// The pixels by which what is written ends below the composer's upper edge. The room kept free for the answer does not count.
function getPixelsBelow() {
  const turn = document.querySelector("[data-transcript]").lastElementChild;
  const last = turn?.lastElementChild ?? turn;
  return last ? last.getBoundingClientRect().bottom - composer.getBoundingClientRect().top : 0;
}

export const isAtEnd = () => getPixelsBelow() < NEAR_PX;

function updateButton() {
  button.hidden = following || isAtEnd();
}

const scrollDown = () => scrollBy({ top: getPixelsBelow() + NEAR_PX / 2, behavior: "instant" });

// A stored conversation opens at its last question: at the end of the page, or if the answer is longer than the window, where
// the question stands at the top and the answer begins below it.
export function openAtQuestion() {
  scrollTo({ top: root.scrollHeight, behavior: "instant" });
  const turn = document.querySelector("[data-transcript]").lastElementChild;
  if (turn?.querySelector("[data-question]") && turn.getBoundingClientRect().top < getBarHeight()) alignQuestion(turn);
  updateButton();
}

const getBarHeight = () => parseFloat(getComputedStyle(root).scrollPaddingTop) || 0;

function alignQuestion(turn) {
  const { top } = turn.getBoundingClientRect();
  const { bottom } = turn.querySelector("[data-question]").getBoundingClientRect();
  scrollBy({ top: Math.max(top - getBarHeight(), bottom - innerHeight * QUESTION_SHARE), behavior: "instant" });
}

// Bring the question of the last turn to the top; room for its answer is kept free below it (`.makes-room` in chat.css).
export function scrollToQuestion(turn) {
  following = false;
  chat.classList.add("makes-room");
  alignQuestion(turn);
  updateButton();
}

// Make a change; what is being read stays where it is.
export function keepScroll(change) {
  change();
  if (following && getPixelsBelow() > 0) scrollDown();
  updateButton();
}

addEventListener(
  "scroll",
  () => {
    if (scrollY < lastScroll - 1) following = false;
    lastScroll = scrollY;
    updateButton();
  },
  { passive: true },
);
addEventListener("resize", updateButton, { passive: true });
button.addEventListener("click", () => {
  following = true;
  scrollDown();
  updateButton();
  document.querySelector("[data-composer] textarea").focus({ preventScroll: true });
});
