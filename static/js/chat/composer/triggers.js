// A sign in the question opens a list: "#" collections, "@" assistants. While it is open its keys belong to it.
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const list = form.querySelector("[data-options]");
const triggers = new Map(); // sign -> {label, find(text), take(item)}
let open = null; // {pattern, take}

export const registerTrigger = (sign, trigger) => triggers.set(sign, trigger);

function close() {
  open = null;
  list.hidden = true;
  field.removeAttribute("aria-activedescendant");
}

function offer() {
  const textBefore = field.value.slice(0, field.selectionStart);
  for (const [sign, { find, take, label }] of triggers) {
    const pattern = new RegExp(`(^|\\s)${sign}([^\\s${sign}]*)$`);
    const typed = textBefore.match(pattern);
    const items = typed ? find(typed[2].toLocaleLowerCase()) : [];
    if (!items.length) continue;
    open = { pattern, take };
    list.setAttribute("aria-label", label);
    list.replaceChildren(...items.map(option));
    list.hidden = false;
    return mark(0);
  }
  close();
}

function option(item, index) {
  const row = Object.assign(document.createElement("li"), { role: "option", id: `option-${index}`, textContent: item.dataset.name });
  row.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    pick(item);
  });
  row.item = item;
  return row;
}

function mark(index) {
  const options = [...list.children];
  const at = (index + options.length) % options.length;
  options.forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
  field.setAttribute("aria-activedescendant", options[at].id);
  options[at].scrollIntoView({ block: "nearest" });
}

function pick(item) {
  const end = field.selectionStart;
  const start = field.value.slice(0, end).search(open.pattern);
  const space = /\s/.test(field.value[start]) ? 1 : 0;
  field.setRangeText("", start + space, end, "end");
  open.take(item);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

// Before the composer hears a key.
field.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  const at = [...list.children].findIndex((row) => row.getAttribute("aria-selected") === "true");
  const picked = () => pick(list.children[at].item);
  const keys = { ArrowDown: () => mark(at + 1), ArrowUp: () => mark(at - 1), Enter: picked, Tab: picked, Escape: close };
  if (!keys[event.key]) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  keys[event.key]();
});
field.addEventListener("input", offer);
field.addEventListener("blur", close);
