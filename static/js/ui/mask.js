// A part of a picture is marked with a brush or a rectangle: by mouse, pen, finger, or keyboard. What is marked goes along
// with the form as a PNG in the size of the picture, white on black.
import { gettext, interpolate } from "../lib/i18n.js";

const form = document.querySelector("[data-mask-form]");
const editor = form?.querySelector("[data-mask]");
if (editor) marking();

function marking() {
  const canvas = editor.querySelector("[data-mask-canvas]");
  const { width, height } = canvas;
  const marks = Object.assign(document.createElement("canvas"), { width, height });
  const [shown, drawn] = [canvas.getContext("2d"), marks.getContext("2d", { willReadFrequently: true })];
  const size = editor.querySelector("[data-mask-size]");
  const erase = editor.querySelector("[data-mask-erase]");
  const status = editor.querySelector("[data-mask-status]");
  const file = form.querySelector("input[type=file]");
  const unit = Math.max(1, Math.round(Math.max(width, height) / 64)); // of a step by keyboard
  const box = { x: Math.round(width * 0.375), y: Math.round(height * 0.375), w: Math.round(width / 4), h: Math.round(height / 4) };
  const undoSteps = []; // the mask before each of the last strokes, at most 12
  let [tool, last] = ["brush", null]; // where the stroke has come to, or its rectangle has begun
  let maskReady = false; // whether the form has the mask as it is
  let boxShown = false; // whether the rectangle of the keyboard is shown

  const colour = () => getComputedStyle(canvas).color;
  const share = () => {
    const { data } = drawn.getImageData(0, 0, width, height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 127) count++;
    return count / (width * height);
  };

  function show(rest = null) {
    shown.clearRect(0, 0, width, height);
    shown.globalAlpha = 0.55;
    shown.drawImage(marks, 0, 0);
    shown.globalCompositeOperation = "source-in";
    shown.fillStyle = colour();
    shown.fillRect(0, 0, width, height);
    shown.globalCompositeOperation = "source-over";
    shown.globalAlpha = 1;
    if (!rest) return;
    shown.lineWidth = Math.max(2, unit / 3);
    for (const [style, dash] of [["white", []], ["black", [unit, unit]]]) {
      shown.strokeStyle = style;
      shown.setLineDash(dash);
      shown.strokeRect(rest.x, rest.y, rest.w, rest.h);
    }
  }

  const showShare = () => (status.textContent = interpolate(gettext("%(percent)s % of the picture is marked."), { percent: Math.round(share() * 100) }));
  const storeUndo = () => undoSteps.push(drawn.getImageData(0, 0, width, height)) > 12 && undoSteps.shift();
  const isErasing = (event) => erase.getAttribute("aria-pressed") === "true" || event.button === 2;

  function at({ clientX, clientY }) {
    const { left, top, width: across, height: down } = canvas.getBoundingClientRect();
    return { x: ((clientX - left) / across) * width, y: ((clientY - top) / down) * height };
  }

  function mark(draw, away) {
    drawn.globalCompositeOperation = away ? "destination-out" : "source-over";
    drawn.fillStyle = drawn.strokeStyle = "white";
    draw(drawn);
  }

  const between = (one, two) => ({ x: Math.min(one.x, two.x), y: Math.min(one.y, two.y), w: Math.abs(one.x - two.x), h: Math.abs(one.y - two.y) });
  const filled = (rest) => (pen) => pen.fillRect(rest.x, rest.y, rest.w, rest.h);
  const line = (from, to) => (pen) => {
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: (Math.max(width, height) * size.value) / 100 });
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y + 0.01); // a point is a line as well
    pen.stroke();
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    storeUndo();
    boxShown = false;
    last = at(event);
    if (tool === "brush") mark(line(last, last), isErasing(event));
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const point = at(event);
    if (tool === "box") return show(between(last, point));
    mark(line(last, point), isErasing(event));
    last = point;
    show();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (last && tool === "box") mark(filled(between(last, at(event))), isErasing(event));
    last = null;
    show();
    showShare();
  });
  canvas.addEventListener("pointercancel", () => (last = null));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());

  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      const [across, down] = way.map((step) => step * unit * (event.ctrlKey ? 4 : 1));
      const clamp = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
      if (event.shiftKey) Object.assign(box, { w: Math.max(unit, clamp(box.w + across, width - box.x)), h: Math.max(unit, clamp(box.h + down, height - box.y)) });
      else if (boxShown) Object.assign(box, { x: clamp(box.x + across, width - box.w), y: clamp(box.y + down, height - box.h) });
      boxShown = true;
      status.textContent = interpolate(gettext("Rectangle at %(x)s, %(y)s, %(w)s wide and %(h)s high."), box);
    } else if (["Enter", " ", "Delete", "Backspace"].includes(event.key)) {
      storeUndo();
      mark(filled(box), ["Delete", "Backspace"].includes(event.key));
      showShare();
    } else if (event.key === "Escape" && boxShown) boxShown = false;
    else return;
    event.preventDefault();
    show(boxShown ? box : null);
  });

  for (const button of editor.querySelectorAll("[data-mask-tool]"))
    button.addEventListener("click", () => {
      tool = button.dataset.maskTool;
      for (const each of editor.querySelectorAll("[data-mask-tool]")) each.setAttribute("aria-pressed", String(each === button));
    });
  erase.addEventListener("click", () => erase.setAttribute("aria-pressed", String(erase.getAttribute("aria-pressed") !== "true")));
  editor.querySelector("[data-mask-undo]").addEventListener("click", () => back(undoSteps.pop()));
  editor.querySelector("[data-mask-clear]").addEventListener("click", () => (storeUndo(), back(drawn.createImageData(width, height))));
  const back = (pixels) => pixels && (drawn.putImageData(pixels, 0, 0), show(), showShare());

  form.addEventListener("submit", (event) => {
    if (maskReady) return;
    event.preventDefault();
    if (!share()) return (status.textContent = gettext("Mark the part to change first.")), canvas.focus();
    const all = Object.assign(document.createElement("canvas"), { width, height });
    const pen = all.getContext("2d");
    pen.fillRect(0, 0, width, height);
    pen.drawImage(marks, 0, 0);
    all.toBlob((blob) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([blob], "mask.png", { type: "image/png" }));
      file.files = transfer.files;
      maskReady = true; // for this once: who comes back to the page marks on
      form.requestSubmit();
      maskReady = false;
    }, "image/png");
  });

  form.querySelector("[data-mask-file]").hidden = true;
  file.required = editor.hidden = false;
}
