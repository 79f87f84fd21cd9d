"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const boxes = [...document.querySelectorAll("[data-plot]")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  // Colours in the figures are names; the style sheet knows what they are now.
  function resolve(value, style) {
    if (typeof value === "string") {
      return value.startsWith("@") ? style.getPropertyValue("--" + value.slice(1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => resolve(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, resolve(item, style)])
      );
    }
    return value;
  }

  function draw(box) {
    const plot = resolve(plots[Number(box.dataset.plot)], getComputedStyle(root));
    box.dataset.drawn = "yes";
    return Plotly.react(box, plot.data, plot.layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: false,
      scrollZoom: false,
      doubleClick: false,
      showTips: false,
    });
  }

  const drawn = () => boxes.filter((box) => box.dataset.drawn);
  if (!("IntersectionObserver" in window)) {
    boxes.forEach(draw);
  } else {
    // A report of many pairs has many figures: draw what is near the screen.
    const seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          seen.unobserve(entry.target);
          draw(entry.target);
        }
      },
      { rootMargin: "800px" }
    );
    boxes.forEach((box) => seen.observe(box));
  }
  dark.addEventListener("change", () => drawn().forEach(draw));

  // Paper is white and unfolds nothing: light colours, the paper's width, everything open.
  const folded = [...document.querySelectorAll("details")];
  let closed = [];
  const redraw = () =>
    boxes.forEach((box) => {
      draw(box);
      Plotly.Plots.resize(box);
    });
  window.addEventListener("beforeprint", () => {
    closed = folded.filter((part) => !part.open);
    closed.forEach((part) => (part.open = true));
    root.classList.add("on-paper");
    redraw();
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((part) => (part.open = false));
    root.classList.remove("on-paper");
    redraw();
  });
})();
