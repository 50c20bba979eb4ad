// Headers of every request that a script makes.
export const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
