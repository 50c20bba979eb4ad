// A picture that is withheld leaves every place of the page at once; what holds of it now is fetched.
export function take(picture) {
  for (const image of document.querySelectorAll(`img[src*="${CSS.escape(picture)}"]`)) (image.closest("a") ?? image).remove();
}
