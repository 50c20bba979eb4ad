// Which collections are searched: ticks behind the + button are the truth, "#" in the question is the quick way to them.
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const list = form.querySelector("[data-options]");
const chips = form.querySelector("[data-chips]");
const boxes = [...form.querySelectorAll("[data-scope] input")];
const TRIGGER = /(^|\s)#([^\s#]*)$/;

export const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
export const clear = () => choose(() => boxes.forEach((box) => (box.checked = false)));

function choose(change) {
  change?.();
  const on = boxes.filter((box) => box.checked);
  chips.hidden = !on.length;
  chips.replaceChildren(
    ...on.map((box) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip" });
      chip.append(box.dataset.name, Object.assign(document.createElement("span"), { textContent: "×", ariaHidden: "true" }));
      chip.setAttribute("aria-label", `Search no longer only in ${box.dataset.name}`);
      chip.addEventListener("click", () => {
        choose(() => (box.checked = false));
        field.focus();
      });
      return chip;
    }),
  );
  const words = form.querySelector("[data-scope-words]");
  if (words) words.textContent = on.length ? `${on.length} collection${on.length > 1 ? "s" : ""}` : "All collections";
}

function close() {
  list.hidden = true;
  field.removeAttribute("aria-activedescendant");
}

function offer() {
  const typed = field.value.slice(0, field.selectionStart).match(TRIGGER);
  const found = typed ? boxes.filter((box) => !box.checked && box.dataset.name.toLocaleLowerCase().includes(typed[2].toLocaleLowerCase())) : [];
  if (!found.length) return close();
  list.replaceChildren(
    ...found.map((box, index) => {
      const option = Object.assign(document.createElement("li"), { role: "option", id: `option-${index}`, textContent: box.dataset.name });
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        pick(box);
      });
      option.box = box;
      return option;
    }),
  );
  list.hidden = false;
  mark(0);
}

function mark(index) {
  const options = [...list.children];
  const at = (index + options.length) % options.length;
  options.forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
  field.setAttribute("aria-activedescendant", options[at].id);
  options[at].scrollIntoView({ block: "nearest" });
}

function pick(box) {
  const end = field.selectionStart;
  const start = field.value.slice(0, end).search(TRIGGER);
  const space = /\s/.test(field.value[start]) ? 1 : 0;
  field.setRangeText("", start + space, end, "end");
  choose(() => (box.checked = true));
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

// Before the composer hears a key: while the list is open its keys belong to it.
field.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  const at = [...list.children].findIndex((option) => option.getAttribute("aria-selected") === "true");
  const keys = { ArrowDown: () => mark(at + 1), ArrowUp: () => mark(at - 1), Enter: () => pick(list.children[at].box), Tab: () => pick(list.children[at].box), Escape: close };
  if (!keys[event.key]) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  keys[event.key]();
});
field.addEventListener("input", offer);
field.addEventListener("blur", close);
boxes.forEach((box) => box.addEventListener("change", () => choose()));
choose();
