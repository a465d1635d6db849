// Draws every diagram in place of its text. On a phone its columns share what room there is, words wrap, and addresses,
// which cannot, are left to the table below it.
const narrow = matchMedia("(max-width: 48em)").matches;
const fitted = (text, room) => {
  const columns = text.match(/^\s*participant /gm)?.length;
  if (!narrow || !columns) return text;
  const width = Math.max(84, Math.floor((room - 12) / columns) - 4);
  const sequence = { width, actorMargin: 4, diagramMarginX: 4, messageMargin: 18, wrap: true, wrapPadding: 2 };
  return `%%{init: ${JSON.stringify({ sequence })}}%%\n${text.replace(/<br\/>(GET|POST) \S+/g, "")}`;
};
document.querySelectorAll("div.mermaid").forEach((block) => {
  block.replaceChildren(fitted(block.textContent.trim(), block.clientWidth));
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
// Steps keep a size that can be read, and scroll where they must; a chart of boxes was made to fit.
mermaid.run({ querySelector: "div.mermaid" }).then(() => {
  document.querySelectorAll(".mermaid svg[aria-roledescription=sequence]").forEach((svg) => {
    svg.style.minWidth = `min(46rem, ${svg.viewBox.baseVal.width}px)`;
  });
});
