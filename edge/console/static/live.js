// Keeps a live page as it should be. The server draws; this puts its pieces in their places.
const live = document.getElementById("live");
const line = document.getElementById("connection");
const shown = new Map(
  [...document.querySelectorAll("[data-slide]")].map((section) => [section.dataset.slide, index(section)]),
);
let heard = Date.now();

function index(section) {
  const by = (name) => new Map([...section.querySelectorAll(`[data-${name}]`)].map((e) => [e.dataset[name], e]));
  return { section, boxes: by("f"), rows: by("row"), parts: by("part") };
}

function put(element, html) {
  // What has the focus keeps it: a link that is drawn again is found by its address.
  const inside = element.contains(document.activeElement) && document.activeElement.getAttribute("href");
  element.innerHTML = html;
  if (inside) element.querySelector(`[href="${CSS.escape(inside)}"]`)?.focus();
}

function take(change) {
  for (const [name, html] of Object.entries(change.parts)) {
    put(document.querySelector(`[data-part="${name}"]`), html);
  }
  for (const [slide, news] of Object.entries(change.slides)) {
    const place = shown.get(slide);
    if (!place) continue;
    for (const [field, classes, words] of news.fields) {
      place.boxes.get(String(field))?.setAttribute("class", classes);
      const row = place.rows.get(String(field));
      if (row) row.cells[1].textContent = words;
    }
    for (const [name, html] of Object.entries(news.parts)) {
      if (place.parts.has(name)) put(place.parts.get(name), html);
    }
    if (news.ended && live.dataset.result) setTimeout(() => location.replace(live.dataset.result), 1500);
  }
  const now = change.open.join(" ");
  if (!live.dataset.result && now !== live.dataset.open) location.reload();
}

function connect() {
  const source = new EventSource(live.dataset.events);
  source.onmessage = (event) => {
    heard = Date.now();
    take(JSON.parse(event.data));
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  };
}

setInterval(() => {
  const isOld = Date.now() - heard > 12000;
  if (isOld !== line.classList.contains("old")) {
    line.classList.toggle("old", isOld);
    line.textContent = isOld ? line.dataset.old : "";
  }
}, 1000);

for (const map of document.querySelectorAll(".map")) {
  map.addEventListener("click", (event) => {
    const field = event.target.dataset.f;
    const slide = map.closest("[data-slide]").dataset.slide;
    if (field !== undefined && live.dataset.result) location.assign(`/slides/${slide}/fields/${field}`);
  });
}
connect();
