// Copies the short link. The button is hidden where this does not run.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const link = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy(link);
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    button.classList.toggle("done", copied);
    if (copied) {
      setTimeout(() => {
        button.textContent = label;
        button.classList.remove("done");
      }, 2000);
    }
  });
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Without HTTPS there is no clipboard to write to, but a selection to copy.
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}
