// Makes an element's content equal to a fragment and touches only what differs, so that nothing that has been read moves,
// loses its selection or its focus.
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // made and sanitised by the server
  return template.content;
}

export function morph(target, wanted) {
  let here = target.firstChild;
  for (const next of [...wanted.childNodes]) {
    if (!here) {
      target.append(next);
      continue;
    }
    const after = here.nextSibling;
    if (!here.isEqualNode(next)) {
      if (alike(here, next)) morph(here, next);
      else here.replaceWith(next);
    }
    here = after;
  }
  while (here) {
    const after = here.nextSibling;
    here.remove();
    here = after;
  }
}

function alike(one, other) {
  if (one.nodeType !== Node.ELEMENT_NODE || one.nodeName !== other.nodeName) return false;
  return one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
