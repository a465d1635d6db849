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
  sequence: { useMaxWidth: true, width: 110, height: 44, actorMargin: 16, boxMargin: 20, messageMargin: 24 },
  flowchart: { nodeSpacing: 14, rankSpacing: 32, padding: 9 }, // so that it fits on a phone
});
// Steps keep a size that can be read, and scroll; a chart of boxes was made to fit.
mermaid.run({ querySelector: "div.mermaid" }).then(() => {
  document.querySelectorAll(".mermaid svg[aria-roledescription=sequence]").forEach((svg) => {
    svg.style.minWidth = `min(46rem, ${svg.viewBox.baseVal.width}px)`;
  });
});
