"use strict";
(() => {
  let plots = [];
  const boxes = [...document.querySelectorAll("[data-plot]")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  // What is large travels compressed; a browser of 2023 or later unpacks it.
  async function unpacked(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = new Uint8Array(packed.length);
    for (let place = 0; place < packed.length; place++) bytes[place] = packed.charCodeAt(place);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

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
    // Paper does not wait for a figure to find its size.
    const paper = root.classList.contains("on-paper");
    const size = paper ? { width: box.clientWidth, height: box.clientHeight } : {};
    return Plotly.react(box, plot.data, { ...plot.layout, ...size, autosize: !paper }, {
      responsive: !paper,
      displaylogo: false,
      displayModeBar: false,
      scrollZoom: false,
      doubleClick: false,
      showTips: false,
    });
  }

  const drawn = () => boxes.filter((box) => box.dataset.drawn);
  async function start() {
    const script = document.createElement("script");
    plots = JSON.parse(await unpacked("plots"));
    script.textContent = await unpacked("plotly");
    document.head.append(script);
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
  if (boxes.length) start();
  dark.addEventListener("change", () => drawn().forEach(draw));

  // Paper is white and unfolds nothing: light colours, the paper's width, everything open.
  const folded = [...document.querySelectorAll("details")];
  let closed = [];
  const redraw = () => window.Plotly && boxes.forEach(draw);
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

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // Tables sort by a click on a heading; long ones can be searched.
  function key(cell) {
    const text = cell.textContent.trim().replace(/\s+/g, " ");
    const number = parseFloat(text.replace(/[^\d.\u2212+eE-].*$/u, "").replace("\u2212", "-"));
    const shown = cell.querySelector(".num");
    return cell.dataset.value !== undefined
      ? Number(cell.dataset.value)
      : shown && !Number.isNaN(number) ? number : text;
  }
  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  }
  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
        rows.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]));
        body.append(...rows.map(([, row]) => row));
      });
    });
    if (body.rows.length < 25) return;
    const search = element("input", { type: "search", placeholder: "search this table" });
    search.setAttribute("aria-label", "Search: " + table.caption.textContent);
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/);
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    table.closest(".scroll").before(element("p", { className: "tools" }, search));
  }
  document.querySelectorAll("main table").forEach((table) => {
    if (table.tBodies[0].rows.length > 7) sortable(table);
  });

  // The rows behind the numbers: unpacked when they are first asked for.
  const COLUMNS = [
    ["pair", (r) => r.spec.pair],
    ["variant", (r) => r.spec.variant],
    ["stage", (r) => r.spec.stage],
    ["repetition", (r) => r.spec.repetition],
    ["number", (r) => r.spec.number],
    ["status", (r) => r.status],
    ["validation", (r) => r.score],
    ["test", (r) => r.test_score],
    ["baseline", (r) => r.baseline_score],
    ["epochs", (r) => r.epochs],
    ["parameters", (r) => r.parameters],
    ["FLOPs", (r) => r.flops],
    ["training s", (r) => r.cost?.train_seconds],
    ["latency s", (r) => r.cost?.latency_seconds],
    ["memory B", (r) => r.cost?.peak_memory_bytes],
    ["hyperparameters", (r) => settings(r)],
    ["reason", (r) => r.reason],
  ];
  // A list is what the model got beyond what was asked for.
  function settings(r) {
    const asked = Object.entries(r.spec.hyperparameters);
    const got = r.hyperparameters;
    const all = Array.isArray(got) ? [...asked, ...got] : Object.entries(got);
    return (all.length ? all : asked).map(([name, value]) => name + "=" + value).join(" ");
  }
  // Rows travel as columns; a column of records is columns again.
  function records(columns) {
    const names = Object.keys(columns);
    const whole = names.map((name) =>
      Array.isArray(columns[name]) ? columns[name] : records(columns[name])
    );
    return (whole[0] ?? []).map((_, place) =>
      Object.fromEntries(names.map((name, column) => [name, whole[column][place]]))
    );
  }
  const MOST = 200;
  const viewer = document.getElementById("viewer");
  const wanted = element("input", { type: "search", id: "wanted" });
  const told = element("p", { className: "note" });
  told.setAttribute("role", "status");
  const body = element("tbody");
  let rows = null;

  async function load() {
    if (rows) return;
    rows = records(JSON.parse(await unpacked("rows")).columns);
    for (const row of rows) {
      const s = row.spec;
      row.words = [
        "pair=" + s.pair, "variant=" + s.variant, "stage=" + s.stage,
        "repetition=" + s.repetition, "number=" + s.number, "status=" + row.status,
        settings(row), row.reason ?? "",
      ].join(" ").toLowerCase();
    }
  }
  const matching = () => {
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((row) =>
      words.every((word) =>
        word.includes("=") ? (row.words + " ").includes(word + " ") : row.words.includes(word)
      )
    );
  };
  async function list() {
    await load();
    const found = matching();
    told.textContent =
      found.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows" +
      (found.length > MOST ? ", the first " + MOST + " shown" : "");
    body.replaceChildren(
      ...found.slice(0, MOST).map((row) =>
        element("tr", {}, ...COLUMNS.map(([, read]) => element("td", {}, String(read(row) ?? "\u2013"))))
      )
    );
    frame.hidden = false;
  }
  function save() {
    const quoted = (value) => '"' + String(value ?? "").replaceAll('"', '""') + '"';
    const lines = [COLUMNS.map(([name]) => name), ...matching().map((r) => COLUMNS.map(([, read]) => read(r)))];
    const text = lines.map((line) => line.map(quoted).join(",")).join("\r\n");
    const link = element("a", { download: "rows.csv" });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.click();
  }
  const head = element("tr", {}, ...COLUMNS.map(([name]) => element("th", { scope: "col" }, name)));
  const frame = element(
    "div",
    { className: "scroll rows", hidden: true, tabIndex: 0 },
    element("table", {}, element("caption", {}, "Recorded trainings"), element("thead", {}, head), body)
  );
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Recorded trainings");
  const show = element("button", { type: "button" }, "Show rows");
  show.addEventListener("click", list);
  const csv = element("button", { type: "button" }, "Save as CSV");
  csv.addEventListener("click", () => load().then(save));
  wanted.placeholder = "pair=... variant=... stage=retrain";
  wanted.addEventListener("input", list);
  const label = element("label", { htmlFor: "wanted" }, "Which rows ");
  viewer.append(element("p", { className: "tools" }, label, wanted, show, csv), told, frame);
  document.querySelectorAll("[data-rows]").forEach((link) =>
    link.addEventListener("click", () => {
      wanted.value = link.dataset.rows;
      list();
    })
  );
})();
