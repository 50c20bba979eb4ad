// The line below an answer: what is being done, and in the end how many sources it has. Opened, it holds them, and how
// long each step took.
const time = (ms) => (ms === null ? "" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

export function showStep(steps, { name, text, ms }) {
  const list = steps.querySelector("[data-list]");
  let line = list.querySelector(`[data-step="${CSS.escape(name)}"]`);
  if (!line) {
    line = document.createElement("li");
    line.dataset.step = name;
    line.append(document.createElement("span"), " ", Object.assign(document.createElement("span"), { className: "ms" }));
    list.append(line);
  }
  line.firstElementChild.textContent = text;
  line.lastElementChild.textContent = time(ms);
  summarize(steps);
  steps.hidden = false;
}

export function removeStep(steps, name) {
  const line = steps.querySelector(`[data-list] [data-step="${CSS.escape(name)}"]`);
  if (!line) return;
  line.remove();
  summarize(steps);
}

// The answer has ended: its sources are what one looks for, if it has any.
export function nameSources(steps) {
  const words = steps.querySelector('[data-part="sources"] > [data-words]')?.dataset.words;
  if (words) steps.querySelector("[data-summary]").textContent = words;
  if (words) steps.hidden = false;
}

function summarize(steps) {
  const lines = [...steps.querySelectorAll("[data-list] > li")];
  steps.querySelector("[data-summary]").textContent = lines.map((line) => line.firstElementChild.textContent).join(" · ");
}
