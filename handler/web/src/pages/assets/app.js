"use strict";
// Elements with data-live take their texts from an event stream: data-from names a member of the event.
for (const part of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(part.dataset.live);
  let spoken = 0;
  const show = (event) => {
    const now = JSON.parse(event.data);
    for (const field of part.querySelectorAll("[data-from]")) {
      const value = now[field.dataset.from];
      if (value === undefined || value === null) continue;
      if (field.tagName === "PROGRESS") field.value = value;
      else if (Date.now() - spoken > 10000 || event.type === "end") {
        field.textContent = value;
        spoken = Date.now();
      }
    }
  };
  source.addEventListener("progress", show);
  source.addEventListener("end", (event) => { show(event); source.close(); location.reload(); });
}
