// The live page. News come as server-sent events and change what is known of the legs; several times a second what changed is drawn.
// All text goes into the page as text, never as markup.
"use strict";

const DRAW_EVERY_MS = 400;
const STATUS_EVERY_MS = 2000;
const MAX_POINTS = 120;
const MAX_ENDED = 30;
// Rows at once, until all are asked for: nobody reads five hundred, and each costs the browser something.
const MAX_ROWS = 100;
const WORD = { SYNTHETIC: "synthetic", HUMAN: "human", NOTSURE: "not sure", ERROR: "error" };
// Of the charts: llr beyond this lies at the edge.
const MAX_LLR = 5;
const WIDTH = 192, HEIGHT = 38;

const byId = (id) => document.getElementById(id);
const legs = new Map(); // id -> what is known of the leg
let events = null;
let paused = false;
let showAll = false;
let announced = "";
const toSay = [];

// ---- What is known ----

function legOf(news) {
  let leg = legs.get(news.leg);
  if (!leg) {
    leg = { info: news, words: { status: "NOTSURE", stage: "listening", cause: "", score: null, speech_ms: 0, thresholds: null }, heard_ms: 0,
            points: [], ended: false, changed: true, row: null, seen: 0, said: "" };
    legs.set(news.leg, leg);
  }
  leg.heard_ms = Math.max(leg.heard_ms, news.heard_ms || 0);
  leg.seen = performance.now();
  leg.changed = true;
  return leg;
}

const wordsOf = ({ status, stage, cause, score, speech_ms, thresholds }) => ({ status, stage, cause, score, speech_ms, thresholds });

const hear = {
  opened: (news) => legOf(news),
  window(news) {
    const leg = legOf(news);
    leg.points.push([news.window.end_seconds, news.window.llr]);
    if (leg.points.length > MAX_POINTS) leg.points.shift();
  },
  verdict(news) {
    const leg = legOf(news);
    leg.words = wordsOf(news);
    const { status, stage } = leg.words;
    if (stage !== "firm" && stage !== "changed") return;
    if (status === "SYNTHETIC" && leg.said !== status) toSay.push(leg);
    leg.said = status;
  },
  ended(news) {
    const leg = legOf(news);
    leg.words = wordsOf(news);
    leg.ended = true;
  },
};

// Legs that are gone without a word, as after a restart, go; those that were there before the page was come.
async function reconcile() {
  const asked = performance.now();
  const answer = await fetch("/v1/legs", { cache: "no-store" });
  if (!answer.ok) return;
  const now = new Set();
  for (const one of (await answer.json()).legs) {
    now.add(one.leg);
    const known = legs.get(one.leg);
    if (known && known.seen > asked) continue;
    if (known && known.ended) continue;
    const leg = legOf(one);
    leg.words = wordsOf(one);
  }
  for (const [id, leg] of legs) {
    if (!now.has(id) && !leg.ended && leg.seen < asked) forget(id, leg);
  }
}

function forget(id, leg) {
  if (leg.row) { observer.unobserve(leg.row); leg.row.remove(); }
  legs.delete(id);
}

// ---- What is drawn ----

const clock = (ms) => {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};
const number = (llr) => (llr === null || llr === undefined ? "–" : (llr > 0 ? "+" : "") + llr.toFixed(2).replace("-", "\u2212"));
const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const heightOf = (llr) => HEIGHT / 2 - (Math.max(-MAX_LLR, Math.min(MAX_LLR, llr)) / MAX_LLR) * (HEIGHT / 2 - 2);

function putAt(line, llr) {
  for (const end of ["y1", "y2"]) line.setAttribute(end, heightOf(llr).toFixed(1));
}

function makeRow(leg) {
  const row = element("tr");
  const status = element("th", "status");
  status.scope = "row";
  const mark = element("span", "mark");
  mark.setAttribute("aria-hidden", "true");
  const word = element("span", "word"), why = element("span", "why");
  status.append(mark, word, why);
  const llr = element("td", "llr"), chart = element("td", "chart"), speech = element("td", "speech"), heard = element("td", "heard");
  const picture = svg("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const line = (name) => svg("line", { class: name, x1: 0, x2: WIDTH });
  const limits = { synthetic_llr: line("limit"), bonafide_llr: line("limit") };
  const curve = svg("polyline", { points: "" });
  const zero = line("zero");
  putAt(zero, 0);
  picture.append(zero, ...Object.values(limits), curve);
  const inWords = element("span", "unseen");
  chart.append(picture, inWords);
  const from = element("td", "from", leg.info.protocol.replace("_", " ") + (leg.info.track ? ` ${leg.info.track}` : ""));
  const id = element("td", "id");
  const code = element("code", "", leg.info.leg.slice(0, 8));
  code.title = `leg ${leg.info.leg}, call ${leg.info.call}`;
  id.append(code);
  row.append(status, llr, chart, speech, heard, from, id);
  Object.assign(leg, { row, parts: { word, why, llr, limits, curve, inWords, speech, heard }, visible: false });
  rows.set(row, leg);
  observer.observe(row);
}

const rows = new WeakMap(); // row -> leg
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const leg = rows.get(entry.target);
    if (!leg) continue;
    leg.visible = entry.isIntersecting;
    if (leg.visible) drawCurve(leg);
  }
}, { rootMargin: "200px" });

function drawCurve(leg) {
  const points = leg.points;
  if (!points.length) return;
  const first = points[0][0], span = Math.max(points[points.length - 1][0] - first, 20);
  const text = points.map(([at, llr]) => `${(((at - first) / span) * WIDTH).toFixed(1)},${heightOf(llr).toFixed(1)}`).join(" ");
  leg.parts.curve.setAttribute("points", text);
}

function drawRow(leg) {
  const { parts, words } = leg;
  leg.row.className = words.status;
  set(parts.word, WORD[words.status]);
  const why = [words.stage === "listening" ? "" : words.stage, words.cause.replaceAll("_", " ").replaceAll(",", ", ")];
  set(parts.why, why.filter(Boolean).join(": "));
  set(parts.llr, number(words.score));
  // Those of the leg's own model, once it is known.
  for (const [name, line] of Object.entries(parts.limits)) {
    line.style.display = words.thresholds ? "" : "none";
    if (words.thresholds) putAt(line, words.thresholds[name]);
  }
  set(parts.speech, clock(words.speech_ms));
  set(parts.heard, clock(leg.heard_ms));
  if (leg.points.length) {
    const values = leg.points.map((point) => point[1]);
    set(parts.inWords, `${values.length} windows, llr from ${number(Math.min(...values))} to ${number(Math.max(...values))}, last ${number(values.at(-1))}`);
  }
  if (leg.visible) drawCurve(leg);
}

const orders = {
  newest: (a, b) => b.info.started_ms - a.info.started_ms,
  oldest: (a, b) => a.info.started_ms - b.info.started_ms,
  llr: (a, b) => (b.words.score ?? -Infinity) - (a.words.score ?? -Infinity),
};

function place(body, wanted) {
  // Rows that are where they are to be are not touched: focus and reading place stay.
  let next = body.firstElementChild;
  for (const leg of wanted) {
    if (!leg.row) makeRow(leg);
    if (leg.row === next) { next = next.nextElementSibling; } else { body.insertBefore(leg.row, next); }
  }
  while (next) { const gone = next; next = next.nextElementSibling; gone.remove(); }
}

let moved = 0;
let placed = "";

function draw() {
  const counts = { SYNTHETIC: 0, HUMAN: 0, NOTSURE: 0, ERROR: 0 };
  const inProgress = [], ended = [];
  for (const leg of legs.values()) {
    if (leg.ended) ended.push(leg); else { inProgress.push(leg); counts[leg.words.status] += 1; }
  }
  for (const status of ["SYNTHETIC", "HUMAN", "NOTSURE"]) set(byId(`n-${status}`), String(counts[status]));
  set(byId("n-legs"), String(inProgress.length));
  byId("no-legs").hidden = inProgress.length > 0;
  document.title = `${counts.SYNTHETIC ? `(${counts.SYNTHETIC} synthetic) ` : ""}veravox: live`;
  // An order by llr changes all the time; rows that move several times a second cannot be read.
  const now = performance.now(), n = `${inProgress.length} ${ended.length}`;
  if (n !== placed || now - moved > 2000) {
    moved = now;
    placed = n;
    const only = byId("filter").value;
    const wanted = inProgress.filter((leg) => !only || leg.words.status === only).sort(orders[byId("order").value]);
    const shown = showAll ? wanted : wanted.slice(0, MAX_ROWS);
    byId("more").hidden = shown.length === wanted.length;
    set(byId("more"), `Show all ${wanted.length}`);
    place(document.querySelector("#legs tbody"), shown);
    ended.sort((a, b) => b.seen - a.seen);
    for (const leg of ended.splice(MAX_ENDED)) forget(leg.info.leg, leg);
    place(document.querySelector("#ended tbody"), ended);
  }
  for (const leg of legs.values()) {
    if (leg.changed && leg.row && leg.row.isConnected) { drawRow(leg); leg.changed = false; }
  }
  say();
}

// One sentence for those who do not see it, however many there are.
function say() {
  if (!toSay.length) return;
  const text = toSay.length === 1 ? `Leg ${toSay[0].info.leg.slice(0, 8)} is synthetic.` : `${toSay.length} more legs are synthetic.`;
  toSay.length = 0;
  if (text !== announced) byId("news").textContent = announced = text;
}

function drawStatus(status) {
  byId("logout").hidden = !status.guarded;
  const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
  set(byId("n-ERROR"), String(status.ended.ERROR));
  set(byId("n-opened"), String(sum(status.opened)));
  set(byId("delay"), status.engine ? `${Math.round(status.engine.compute_delay_ms.p99)} ms` : "–");
  set(byId("shed"), status.engine ? String(status.engine.shed_windows) : "–");
  const words = [];
  if (!status.engine) words.push("No engine runs: legs have the status error.");
  if (status.webhook) {
    const { delivered, waiting, lost, target_down } = status.webhook;
    words.push(`Webhook: ${delivered} delivered, ${waiting} waiting, ${lost} lost${target_down ? ", its target is down" : ""}.`);
  }
  if (status.ami) words.push(`Asterisk: ${status.ami.connected ? "connected" : "not connected"}, ${status.ami.told} verdicts told.`);
  set(byId("outlets"), words.join(" "));
  set(byId("version"), `veravox-gateway ${status.version}` + status.models.map((m) => `, ${m.model.name} ${m.model.version}`).join(""));
}

// ---- How it is told ----

async function askStatus() {
  const answer = await fetch("/v1/status", { cache: "no-store" });
  if (answer.status === 401) { askForToken(); return false; }
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  drawStatus(await answer.json());
  return true;
}

function connected(words) { set(byId("connection"), words); }

function listen() {
  events = new EventSource("/v1/events?kept=true");
  events.onopen = () => { connected("Connected"); reconcile().catch(() => {}); };
  events.onerror = () => {
    connected("Not connected, trying again …");
    // A browser gives up where the answer is an error: after a restart the cookie is void.
    if (events.readyState === EventSource.CLOSED) { events = null; setTimeout(start, 2000); }
  };
  for (const [name, act] of Object.entries(hear)) events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  events.addEventListener("missed", () => reconcile().catch(() => {}));
}

async function start() {
  try {
    if (!(await askStatus())) return;
  } catch {
    connected("Not connected, trying again …");
    setTimeout(start, 2000);
    return;
  }
  byId("login").hidden = true;
  byId("live").hidden = false;
  if (!events) listen();
}

function askForToken() {
  if (events) { events.close(); events = null; }
  byId("live").hidden = byId("logout").hidden = true;
  byId("login").hidden = false;
  connected("Not logged in");
  byId("token").focus();
}

byId("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  set(byId("login-error"), "");
  const body = JSON.stringify({ token: byId("token").value });
  try {
    const answer = await fetch("/login", { method: "POST", headers: { "content-type": "application/json" }, body });
    if (!answer.ok) { set(byId("login-error"), (await answer.json()).detail); byId("token").select(); return; }
    byId("token").value = "";
    await start();
    byId("legs-title").scrollIntoView({ block: "nearest" });
  } catch {
    set(byId("login-error"), "The gateway does not answer.");
  }
});

byId("logout").addEventListener("click", async () => {
  await fetch("/logout", { method: "POST" });
  for (const [id, leg] of legs) forget(id, leg);
  askForToken();
});

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  if (!paused) tick();
});
byId("more").addEventListener("click", () => { showAll = true; moved = 0; draw(); byId("legs").focus(); });
for (const id of ["filter", "order"]) byId(id).addEventListener("change", () => { moved = 0; draw(); });

function tick() { if (!paused && !byId("live").hidden && !document.hidden) draw(); }

setInterval(tick, DRAW_EVERY_MS);
document.addEventListener("visibilitychange", tick);
setInterval(() => { if (!paused && !byId("live").hidden && !document.hidden) askStatus().catch(() => {}); }, STATUS_EVERY_MS);
start();
