// Draws every diagram in place of its text, in the colours of paper on any background.
document.querySelectorAll("div.mermaid").forEach((block) => {
  const text = block.textContent;
  block.replaceChildren(text);
  block.classList.remove("highlight-none", "notranslate");
});
mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: "neutral", sequence: { useMaxWidth: true } });
mermaid.run({ querySelector: "div.mermaid" });
