// Which model writes the next answers; null where there is no choice.
const menu = document.querySelector("[data-models]");
const chosen = () => menu?.querySelector("input[name=model]:checked");

export const getModel = () => chosen()?.value ?? null;

menu?.addEventListener("input", () => {
  menu.querySelector("[data-model-words]").textContent = chosen().dataset.label;
  const note = document.querySelector("[data-outside-note]");
  if (note) {
    note.hidden = !("outside" in chosen().dataset);
  }
});
