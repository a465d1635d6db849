// A copy button beside a text that can also be selected by hand.
import { announce } from "./announce.js";

export function enhance(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    const text = document.getElementById(button.dataset.copy);
    const word = button.textContent;
    let undo;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!(await copied(text))) return;
      button.textContent = button.dataset.done;
      announce(button.dataset.done);
      clearTimeout(undo);
      undo = setTimeout(() => (button.textContent = word), 2500);
    });
  }
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    return true;
  } catch {
    // Plain http or a refusal: select the text, so that the reader's own copy command takes it.
    const range = document.createRange();
    range.selectNodeContents(text);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  }
}
