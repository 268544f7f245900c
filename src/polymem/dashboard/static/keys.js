"use strict";
// "/" goes to the search field from anywhere but a field.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector(".pm-search input");
  if (field) { event.preventDefault(); field.focus(); field.select(); }
});
window.polymemCopy = async (text, event) => {
  const say = (message) => window.Quasar.Notify.create({ message, timeout: 1500, position: "bottom" });
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS browsers offer the old way only.
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  say("Copied");
};
