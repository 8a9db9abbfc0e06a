"use strict";
// Plots know their width in pixels only, so paper needs one of its own: A4 less its margins, at 96 dots an inch.
const PAPER = 660;
const plots = () => Array.from(document.querySelectorAll(".js-plotly-plot"));

window.addEventListener("beforeprint", () => {
  plots().forEach((plot) => {
    plot.dataset.height = plot.layout.height;
    Plotly.relayout(plot, { width: PAPER, height: 340 });
  });
});
window.addEventListener("afterprint", () => {
  plots().forEach((plot) => {
    Plotly.relayout(plot, { width: null, height: Number(plot.dataset.height) || 430, autosize: true });
  });
});

// A finger that lands on a plot wants to scroll the page, and taps to see a point.
if (window.matchMedia("(pointer: coarse)").matches) {
  plots().forEach((plot) => Plotly.relayout(plot, {
    dragmode: false, "xaxis.fixedrange": true, "yaxis.fixedrange": true,
  }));
}
