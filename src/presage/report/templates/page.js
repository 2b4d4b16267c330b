"use strict";
(() => {
  const root = document.documentElement;
  const theme = document.querySelector(".theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = now() === "dark" ? "light" : "dark"; });

  const contents = document.querySelector(".contents details");
  const narrow = matchMedia("(max-width: 60rem)");
  const fold = () => { contents.open = !narrow.matches; };
  fold();
  narrow.addEventListener("change", fold);

  const zoom = document.querySelector("dialog.zoom");
  const stage = zoom.querySelector(".stage");
  let moved = null, home = null, scale = 1;
  const size = (next) => {
    scale = Math.min(6, Math.max(1, next));
    moved.style.width = `${100 * scale}%`;
    moved.style.maxHeight = scale === 1 ? "100%" : "none";
  };
  const open = (what) => {
    home = document.createComment("");
    what.replaceWith(home);
    stage.append(what);
    moved = what;
    size(1);
    zoom.showModal();
    stage.focus();
  };
  zoom.addEventListener("close", () => {
    if (!moved) return;
    moved.removeAttribute("style");
    home.replaceWith(moved);
    moved = null;
  });
  zoom.addEventListener("click", (event) => {
    const to = event.target.dataset && event.target.dataset.zoom;
    if (event.target === zoom || to === "close") zoom.close();
    else if (to && moved) size(to === "fit" ? 1 : to === "in" ? scale * 1.4 : scale / 1.4);
  });
  zoom.addEventListener("keydown", (event) => {
    if (!moved) return;
    if (event.key === "+" || event.key === "=") size(scale * 1.4);
    if (event.key === "-") size(scale / 1.4);
    if (event.key === "0") size(1);
  });
  for (const button of document.querySelectorAll(".enlarge")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const figure = button.closest("figure");
      const drawings = [...figure.querySelectorAll(".drawing > svg, img")];
      open(drawings.find((drawn) => drawn.getClientRects().length) || drawings[0]);
    });
  }

  const folded = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("main details:not([open])")) { details.open = true; folded.push(details); }
  });
  addEventListener("afterprint", () => { while (folded.length) folded.pop().open = false; });
})();
