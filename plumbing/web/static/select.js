// "Select all" and "3 selected" for a form of checkboxes.
const plural = new Intl.PluralRules(document.documentElement.lang);

export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-select]")) follow(form);
}

function follow(form) {
  const all = form.querySelector("[data-select-all]");
  const count = form.querySelector("[data-select-count]");
  const button = form.querySelector(".selection .button");
  const switches = [...form.querySelectorAll("input[type=checkbox][name]:not(:disabled)")];
  const allBox = all.querySelector("input");

  const show = () => {
    const chosen = switches.filter((box) => box.checked).length;
    const sentence = plural.select(chosen) === "one" ? count.dataset.one : count.dataset.other;
    count.textContent = sentence.replace("{n}", new Intl.NumberFormat(document.documentElement.lang).format(chosen));
    allBox.checked = chosen === switches.length;
    allBox.indeterminate = chosen > 0 && chosen < switches.length;
    button.disabled = chosen === 0;
  };

  all.hidden = switches.length < 2;
  count.hidden = false;
  allBox.addEventListener("change", () => {
    for (const box of switches) box.checked = allBox.checked;
    show();
  });
  form.addEventListener("change", show);
  // The browser's back button brings the checkboxes back without an event.
  addEventListener("pageshow", show);
  show();
}
