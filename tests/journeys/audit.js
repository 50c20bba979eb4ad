// What a person could not read, hit or name on this page: contrast below 4.5, targets below 24 px, controls without words.
() => {
  const visible = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const rgb = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);

  function ground(element) {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  }

  function contrast(e) {
    const words = [...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data.trim()).join("");
    if (!words || !visible(e) || e.closest(":disabled, .visually-hidden, .skip, option")) return [];
    const pair = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    return ratio < 4.5 ? [`${ratio.toFixed(2)} ${e.className}: ${words.slice(0, 40)}`] : [];
  }

  function size(e) {
    // What stands in a sentence may be as small as its line; a pill is larger than it looks.
    if (!visible(e) || e.matches("a.pill, p a, .skip, .visually-hidden")) return [];
    const { width, height } = (e.matches("[type=checkbox], [type=radio]") ? e.parentElement : e).getBoundingClientRect();
    return width < 24 || height < 24 ? [`${width}x${height} ${e.outerHTML.slice(0, 80)}`] : [];
  }

  function name(e) {
    const by = document.getElementById(e.getAttribute("aria-labelledby"));
    const words = e.ariaLabel || by?.textContent || e.labels?.[0]?.textContent || e.textContent;
    return words.trim() ? [] : [e.outerHTML.slice(0, 100)];
  }

  const all = (selector, found) => [...document.querySelectorAll(selector)].flatMap(found);
  return {
    contrast: all("body *", contrast),
    size: all("a, button, summary, input:not([type=hidden]), textarea, select", size),
    name: all("a, button, summary, input:not([type=hidden]), textarea, select, nav, aside, dialog", name),
  };
}
