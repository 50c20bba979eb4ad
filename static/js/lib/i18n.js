// Texts in the language of the page: its catalogue stands in the head of the page, where it is not English.
export const gettext = (text) => window.django?.gettext(text) ?? text;

// The form for a number, and that number put in for %(n)s.
export const ngettext = (one, many, n) => put(window.django?.ngettext(one, many, n) ?? (n === 1 ? one : many), { n });

// Values put in for their names: put(gettext("Uploading, %(share)s%"), { share: 40 }).
export const put = (text, values) => text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
