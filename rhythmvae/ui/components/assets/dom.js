// What both components make their pages of.

/** An element with properties, `dataset`, `role` and `aria...` among them, and children. */
export function element(tag, properties = {}, ...children) {
  const { dataset, ...own } = properties;
  const found = Object.assign(document.createElement(tag), own);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria") || name === "role")
      found.setAttribute(name.replace(/^aria([A-Z])/, "aria-$1").toLowerCase(), value);
  }
  Object.assign(found.dataset, dataset);
  found.append(...children);
  return found;
}
