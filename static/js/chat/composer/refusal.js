// The line of the composer that says why something was not taken. Typing hides it.
const line = document.querySelector("[data-composer] [data-refusal]");

export function showRefusal(words) {
  line.textContent = words;
  line.hidden = false;
}

export const hideRefusal = () => (line.hidden = true);
