// Draws every diagram in place of its text, in the colours of paper on any background.
document.querySelectorAll("div.mermaid").forEach((block) => {
  const text = block.textContent;
  block.replaceChildren(text);
  block.classList.remove("highlight-none", "notranslate");
  block.tabIndex = 0; // what scrolls sideways can be scrolled with keys
});
mermaid.initialize({
  startOnLoad: false,
  securityLevel: "strict",
  theme: "neutral",
  sequence: { useMaxWidth: true },
  flowchart: { nodeSpacing: 14, rankSpacing: 32, padding: 9 }, // so that it fits on a phone
});
mermaid.run({ querySelector: "div.mermaid" });
