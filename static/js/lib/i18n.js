// Texts in the language of the page. The head of every page that is not in English loads its catalogue.
export const gettext = (text) => window.django?.gettext(text) ?? text;

// The plural form for a number, with the number in place of %(n)s.
export const ngettext = (one, many, n) => interpolate(window.django?.ngettext(one, many, n) ?? (n === 1 ? one : many), { n });

// Insert values by name: interpolate(gettext("Uploading, %(share)s%"), { share: 40 }).
export const interpolate = (text, values) => text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
