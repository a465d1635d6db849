// Says a sentence to a screen reader, through the one live region that every page has from its start.
export function announce(sentence) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  // A change in the same tick would not be noticed.
  setTimeout(() => (region.textContent = sentence), 60);
}
