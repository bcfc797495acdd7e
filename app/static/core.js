// State, the live socket, our own requests, and a DOM builder that only ever sets text.

export const state = {
  desk: { up: false, text: "connecting" },
  page: { up: false },
  model: null,
  status: {},
  prices: new Map(),
  portfolio: {},
  orders: new Map(),
  fills: new Map(),
  proposals: new Map(),
  clockOffset: 0,
};

const listeners = new Map();

export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
}

function tell(topic, data) {
  for (const listener of listeners.get(topic) ?? []) listener(data);
}

// Characters that hide, reorder or control text: shown text must be what it looks like.
const HIDDEN =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/g;

export function clean(value) {
  return String(value ?? "").replace(/\r\n?/g, "\n").replace(HIDDEN, "");
}

// h("td", {class: "num"}, "text", node): attributes are set, children are text or nodes, never HTML.
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== "").map(
    (child) => (child instanceof Node ? child : document.createTextNode(clean(child)))));
  return node;
}

export function setText(node, text) {
  const wanted = clean(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

// "64210.50" -> "64,210.50": groups the whole part and touches no digit.
export function grouped(value) {
  const text = clean(value);
  const match = /^([-+]?)(\d+)(\.\d+)?$/.exec(text);
  return match ? match[1] + match[2].replace(/\B(?=(\d{3})+$)/g, ",") + (match[3] ?? "") : text;
}

export function signOf(value) {
  const text = String(value ?? "");
  if (!/[1-9]/.test(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

// Every time on the page is in the browser's own zone, and `zone` says which that is.
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
export const TIME = `Time (${zone})`;
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

// "14:37:05" for a time of today, with its date before it for any other or when asked for.
export function when(iso, withDate = false) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return clean(iso);
  const day = DAY.format(date);
  return withDate || day !== DAY.format(new Date()) ? `${day} ${CLOCK.format(date)}` : CLOCK.format(date);
}

export function ageText(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

export class ApiError extends Error {
  constructor(status, error) {
    super([error.message, error.cure].filter(Boolean).map((part) => clean(part).replace(/\.?$/, ".")).join(" "));
    this.status = status;
    this.code = error.code;
  }
}

let csrf = null;

async function ask(path, options) {
  let reply;
  try {
    reply = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new ApiError(0, { code: "NO_ANSWER", message: "the app does not answer", cure: "Is it still running?" });
  }
  const body = await reply.json().catch(() => ({}));
  if (!reply.ok) {
    const error = body.error ?? { code: `HTTP_${reply.status}`, message: `the app answered ${reply.status}` };
    if (reply.status === 401) tell("signed-out");
    throw new ApiError(reply.status, error);
  }
  return body;
}

export function get(path) {
  return ask(path, {});
}

export async function loadSession() {
  csrf = (await get("/api/session")).csrf;
}

export async function post(path, body) {
  if (csrf === null) await loadSession();
  const send = () => ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf": csrf },
    body: JSON.stringify(body),
  });
  try {
    return await send();
  } catch (error) {
    if (error.code !== "CSRF_REFUSED") throw error;
    await loadSession(); // signed in again in another tab: refused before any effect
    return send();
  }
}

// One polite voice for the whole page: only changes and new cards speak.
let voice = null;

export function announce(text) {
  if (!voice) {
    voice = h("div", { role: "status", "aria-live": "polite", class: "mx-voice" });
    document.body.append(voice);
  }
  voice.textContent = "";
  requestAnimationFrame(() => setText(voice, text));
}

// Places that Gradio draws appear late and once per tab: each is filled when it shows up.
const places = new Map();

export function place(name, fill) {
  places.set(name, fill);
}

export function fillPlaces() {
  for (const node of document.querySelectorAll("[data-mx]:not([data-mx-filled])")) {
    const fill = places.get(node.dataset.mx);
    if (!fill) continue;
    node.dataset.mxFilled = "yes";
    fill(node);
  }
}

// Drawing waits for a visible page, and many changes in one frame are drawn once.
const dirty = new Set();
let scheduled = false;

export function redraw(draw) {
  dirty.add(draw);
  if (scheduled || document.hidden) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const now = [...dirty];
    dirty.clear();
    for (const step of now) step();
  });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) redraw(() => undefined);
});

function keyed(map, items, key) {
  map.clear();
  for (const item of items) map.set(item[key], item);
}

function stampPrices(prices) {
  for (const price of prices) state.prices.set(price.symbol, { ...price, seen: performance.now() });
}

const TAKE = {
  all(data) {
    state.desk = data.desk;
    state.model = data.model;
    state.status = data.status;
    state.clockOffset = Date.parse(data.now) - Date.now();
    state.prices.clear();
    stampPrices(data.prices);
    state.portfolio = data.portfolio;
    keyed(state.orders, data.orders, "client_order_id");
    keyed(state.fills, data.fills, "record_id");
    keyed(state.proposals, data.proposals, "id");
  },
  desk(data) { state.desk = data; },
  model(data) { state.model = data; },
  status(data) { state.status = data; },
  prices: stampPrices,
  portfolio(data) { state.portfolio = data; },
  order(data) { state.orders.set(data.client_order_id, data); },
  fill(data) { state.fills.set(data.record_id, data); },
  proposal(data) { takeProposal(data); },
};

// A click's own answer and the socket may cross: a settled card never becomes pending again.
export function takeProposal(data) {
  const known = state.proposals.get(data.id);
  if (known && known.state !== "pending" && data.state === "pending") return;
  if (known?.outcome && data.outcome === null) return;
  state.proposals.set(data.id, data);
}

let pause = 250;

export function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/live`);
  socket.addEventListener("message", (event) => {
    const { topic, data } = JSON.parse(event.data);
    if (!state.page.up) {
      state.page.up = true;
      pause = 250;
      tell("page");
    }
    TAKE[topic]?.(data);
    tell(topic, data);
  });
  socket.addEventListener("close", () => {
    if (state.page.up) {
      state.page.up = false;
      tell("page");
    }
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 4000);
  });
}
