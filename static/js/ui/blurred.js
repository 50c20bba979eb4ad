// A picture that is shown blurred is shown as it is once somebody asks; without this script the link opens it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-clear]");
  const picture = link && [...document.querySelectorAll("img")].find((one) => same(one, link));
  if (!picture) return;
  event.preventDefault();
  picture.src = link.href;
  (link.closest("[data-blurred]") ?? link).remove();
});

function same(picture, link) {
  return new URL(picture.src, location.href).pathname === new URL(link.href).pathname;
}
