"use strict";
// A link to a figure or table is copied when it is followed, where the browser allows it, and the page says so.
(() => {
  for (const link of document.querySelectorAll("a.permalink")) {
    link.addEventListener("click", () => {
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(link.href).then(() => {
        const word = link.textContent;
        link.textContent = "Copied";
        setTimeout(() => { link.textContent = word; }, 1500);
      }, () => {});
    });
  }
})();
