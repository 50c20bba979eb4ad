// What this browser stores for a page. Storage may be forbidden or full: reading then returns null, and nothing is stored.
export function readStored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

// An empty value removes the entry.
export function store(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // the next page is then as if nothing had been stored
  }
}
