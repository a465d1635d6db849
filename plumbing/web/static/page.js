// Loads only what the page in front of the reader needs. Every page works without any of it.
const parts = {
  "[data-copy]": "./copy.js",
  "[data-local-time], [data-countdown]": "./time.js",
  "form[data-select]": "./select.js",
  "[data-live]": "./live.js",
};

export async function enhance(root) {
  for (const [selector, module] of Object.entries(parts)) {
    if (root.querySelector(selector)) (await import(module)).enhance(root);
  }
}

// Not awaited: live.js imports this module, and would wait for itself.
enhance(document);
