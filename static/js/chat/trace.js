// Opens the box of an answer, and shows for each token what else the model weighed.
import { openPanel } from "../ui/panel.js";

let chosen = null;

function show(token) {
  if (!token) return;
  const list = token.closest("[data-tokens]");
  chosen?.setAttribute("aria-selected", "false");
  chosen = token;
  token.setAttribute("aria-selected", "true");
  list.setAttribute("aria-activedescendant", token.id);
  const row = ([text, percent]) => {
    const line = document.createElement("span");
    line.append(Object.assign(document.createElement("code"), { textContent: visible(text) }), ` ${percent}`);
    return line;
  };
  const chosenRow = row([token.textContent, token.dataset.percent]);
  chosenRow.className = "said";
  list.parentElement.querySelector("[data-weighed]").replaceChildren(chosenRow, ...JSON.parse(token.dataset.others).map(row));
}

// A space or a line end would not be seen.
const visible = (text) => text.replace(/^ /, "␣").replaceAll("\n", "⏎") || "∅";

const getNeighbour = (token, way) => {
  const all = [...token.parentElement.children];
  return all[Math.min(all.length - 1, Math.max(0, all.indexOf(token) + way))];
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-behind]");
  if (button) openPanel(button, button.dataset.behind || `/answers/${button.closest("[data-turn]").dataset.turn}/behind/`);
  if (target.matches(".token")) show(target);
});

document.addEventListener("pointerover", ({ target, pointerType }) => pointerType === "mouse" && target.matches?.(".token") && show(target));

document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("[data-tokens]")) return;
  const ways = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10, Home: -1e9, End: 1e9 };
  if (!ways[event.key]) return;
  event.preventDefault();
  const isInside = chosen && event.target.contains(chosen);
  show(isInside ? getNeighbour(chosen, ways[event.key]) : event.target.firstElementChild);
  chosen.scrollIntoView({ block: "nearest" });
});
