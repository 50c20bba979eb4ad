// Make an element's content equal to a fragment. Equal nodes are not touched and keep their selection and focus.
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // made and sanitised by the server
  return template.content;
}

// Replaces the children from `here` up to `end`; by default all.
export function morph(target, wanted, here = target.firstChild, end = null) {
  for (const next of [...wanted.childNodes]) {
    if (here === end) {
      target.insertBefore(next, end);
      continue;
    }
    const after = here.nextSibling;
    if (!here.isEqualNode(next)) {
      if (alike(here, next)) morph(here, next);
      else here.replaceWith(next);
    }
    here = after;
  }
  while (here !== end) {
    const after = here.nextSibling;
    here.remove();
    here = after;
  }
}

// Morphs only what follows the first `count` of the nodes; with further counts the last of these is open: what is wanted
// begins with its twin, which holds only what follows the first nodes in it, and so on.
export function graft(target, wanted, [count, ...deeper], nodes = target.childNodes, end = null) {
  if (deeper.length) {
    const twin = wanted.firstChild;
    graft(nodes[count - 1], twin, deeper);
    twin.remove();
  }
  morph(target, wanted, nodes[count] ?? end, end);
}

function alike(one, other) {
  if (one.nodeType !== Node.ELEMENT_NODE || one.nodeName !== other.nodeName) return false;
  return one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
