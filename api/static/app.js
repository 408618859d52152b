// What a page does better with JavaScript; without it every form is a form.
"use strict";

// A form that records is sent once, however often its button is tapped; the server holds to that too.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  // Whoever comes back to it by the back button has the same form, and not a new one.
  if (form.matches(".act") && form.elements.key) {
    const here = new URL(location);
    here.searchParams.set("key", form.elements.key.value);
    history.replaceState(history.state, "", here);
  }
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

// A file that would be refused for its size is not sent in the first place.
document.addEventListener("change", ({ target }) => {
  if (!target.dataset?.most) return;
  const isTooLarge = [...target.files].some((file) => file.size > Number(target.dataset.most));
  target.setCustomValidity(isTooLarge ? target.dataset.tooLarge : "");
  target.reportValidity();
});

// What was refused is read out, and seen.
document.getElementById("refusal")?.focus();

// A wedge scanner types GS1's group separator as Ctrl+] or F8.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !("scan" in field.dataset)) return;
  if (event.key === "F8" || (event.ctrlKey && event.key === "]")) {
    event.preventDefault();
    field.setRangeText("\u001d", field.selectionStart, field.selectionEnd, "end");
  }
});

// Passkeys: the server's question goes to the device, and the device's answer back in the form.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    try {
      const asked = JSON.parse(form.dataset.options);
      const found = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
      form.elements.answer.value = JSON.stringify(found.toJSON());
      form.submit();
    } catch {
      form.querySelector("[data-told]").hidden = false;
    }
  });
}

// A shot that comes while nothing has the focus goes into the field for shots.
document.addEventListener("keydown", (event) => {
  if (event.target === document.body && event.key.length === 1 && !event.ctrlKey && !event.metaKey) (document.getElementById("scan") ?? document.querySelector("input[data-scan]"))?.focus();
});
