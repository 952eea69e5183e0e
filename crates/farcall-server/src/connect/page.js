"use strict";
for (const button of document.querySelectorAll("button[data-copies]")) {
  const block = document.getElementById(button.dataset.copies);
  const label = button.firstElementChild;
  const usual = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(block.textContent);
    } catch {
      // Without TLS, or without leave, there is no clipboard: selected, it takes one key.
      getSelection().selectAllChildren(block);
      said = "Selected";
    }
    label.textContent = said;
    setTimeout(() => { label.textContent = usual; }, 2000);
  });
}
