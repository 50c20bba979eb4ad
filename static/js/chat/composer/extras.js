// The sheet of rarer controls, on phones: it closes when one of them leads elsewhere, beside it, and in a wider window.
const sheet = document.getElementById("composer-extras");
const phone = matchMedia("(max-width: 30rem)"); // as in pages/chat.css

const close = () => {
  if (sheet.matches(":popover-open")) sheet.hidePopover();
};

sheet.addEventListener("click", ({ target, clientY }) => {
  const beside = target === sheet && clientY < sheet.getBoundingClientRect().top;
  if (beside || target.closest("[data-call-tool], [data-insert-prompt], [data-picture-begin]")) close();
});
phone.addEventListener("change", close);
