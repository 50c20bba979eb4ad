// Make an element's content equal to a fragment. Equal nodes are not touched and keep their selection and focus.
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // made and sanitised by the server
  return template.content;
}

// Replaces the children from `current` up to `end`; by default all.
export function morph(target, content, current = target.firstChild, end = null) {
  for (const next of [...content.childNodes]) {
    if (current === end) {
      target.insertBefore(next, end);
      continue;
    }
    const after = current.nextSibling;
    if (!current.isEqualNode(next)) {
      if (alike(current, next)) morph(current, next);
      else current.replaceWith(next);
    }
    current = after;
  }
  while (current !== end) {
    const after = current.nextSibling;
    current.remove();
    current = after;
  }
}

// Morphs only what follows the first `count` of the nodes; with further counts the last of these is open: the content
// begins with its twin, which holds only what follows the first nodes in it, and so on.
export function graft(target, content, [count, ...deeper], nodes = target.childNodes, end = null) {
  if (deeper.length) {
    const twin = content.firstChild;
    graft(nodes[count - 1], twin, deeper);
    twin.remove();
  }
  morph(target, content, nodes[count] ?? end, end);
}

function alike(one, other) {
  if (one.nodeType !== Node.ELEMENT_NODE || one.nodeName !== other.nodeName) return false;
  return one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
