// New parts of the page, whoever put them there: htmx, or a script that announces it. Event: `page:changed`.
export const announceChange = () => document.dispatchEvent(new CustomEvent("page:changed"));

export function onChange(react) {
  document.addEventListener("htmx:afterSwap", react);
  document.addEventListener("page:changed", react);
}
