"use strict";
// Draws each figure of the page's data in the element that is made for it.
(() => {
  const held = document.getElementById("figures");
  for (const [name, figure] of Object.entries(JSON.parse(held.textContent))) {
    const place = document.getElementById("figure-" + name);
    if (!place) continue;
    place.textContent = "";
    Plotly.newPlot(place, figure.data, figure.layout, figure.config);
  }
})();
