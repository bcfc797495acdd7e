// The transcript. The server holds it; this draws it, and adds sentences while they arrive.

import { cardLink } from "./cards.js";
import { announce, clean, get, h, on, post, redraw, setText, when } from "./core.js";
import { fieldOf, type, whenSubmitted } from "./forms.js";
import { recordLink, richText } from "./links.js";

const chat = { id: null, list: [], messages: [], live: null, problem: "", ready: false };
let log = null;
let picker = null;
let note = null;
const drawn = new Map();

const LAST_KEY = "mx-conversation";

// The conversation of the address, else the one that this browser had open last: a notice that came into
// another one meanwhile does not change what the person was at.
function wanted(list) {
  const asked = [new URLSearchParams(location.search).get("conversation"), localStorage.getItem(LAST_KEY)];
  return asked.find((id) => list.some((item) => item.id === id));
}

function remember(id) {
  localStorage.setItem(LAST_KEY, id);
  const query = new URLSearchParams(location.search);
  query.set("conversation", id);
  history.replaceState(null, "", `${location.pathname}?${query}`);
}

const WHO = { person: "You", assistant: "Desk", notice: "Notice" };

function messageNode(message) {
  const about = [WHO[message.role] ?? message.role, message.model, message.at ? when(message.at) : ""].filter(Boolean).join(" · ");
  const cited = (message.citations ?? []).filter((id) => !clean(message.text).includes(id));
  return h("article", { class: `mx-message mx-from-${message.role}` },
    h("p", { class: "mx-about" }, about),
    h("div", { class: "mx-text" }, richText(clean(message.text))),
    cited.length ? h("p", { class: "mx-cited" }, "Records: ", cited.map((id) => [recordLink(id), " "])) : null);
}

function liveNode() {
  return h("article", { class: "mx-message mx-from-assistant mx-live", "aria-busy": "true" },
    h("p", { class: "mx-about" }, "Desk"),
    h("div", { class: "mx-text" }, chat.live.text ? richText(clean(chat.live.text)) : h("span", { class: "mx-muted" }, chat.live.doing)));
}

// What was sent and is not in the transcript yet, in order: { text, opening }.
const outbox = [];

function unsentNode() {
  const about = chat.ready ? "You · sending…" : "You · waits until the conversation is open";
  return ({ text }) => h("article", { class: "mx-message mx-from-person mx-unsent" },
    h("p", { class: "mx-about" }, about), h("div", { class: "mx-text" }, text));
}

let lastShown = [];

function draw() {
  if (!log) return;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  for (const node of lastShown) node.remove();
  const ids = new Set();
  for (const message of chat.messages) {
    ids.add(message.id);
    const key = `${message.text}|${(message.citations ?? []).length}`;
    const old = drawn.get(message.id);
    if (old?.key === key) continue;
    const node = messageNode(message);
    if (old) old.node.replaceWith(node);
    else log.append(node);
    drawn.set(message.id, { key, node });
  }
  for (const [id, { node }] of drawn) {
    if (ids.has(id)) continue;
    node.remove();
    drawn.delete(id);
  }
  lastShown = [...outbox.map(unsentNode()), ...(chat.live ? [liveNode()] : [])];
  log.append(...lastShown);
  log.classList.toggle("mx-blank", chat.messages.length === 0 && lastShown.length === 0);
  setText(note, chat.problem);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function drawPicker() {
  if (!picker) return;
  picker.replaceChildren(...chat.list.map(({ id, title, at }) => {
    const option = h("option", { value: id }, title || `Conversation of ${when(at, true)}`);
    option.selected = id === chat.id;
    return option;
  }));
}

async function readList() {
  const answer = await get("/api/conversations");
  chat.list = answer.conversations;
  return answer.latest;
}

async function readMessages() {
  const id = chat.id;
  if (!id) return;
  const answer = await get(`/api/conversations/${encodeURIComponent(id)}`);
  if (id !== chat.id) return;
  chat.messages = answer.messages;
  if (!answer.busy) chat.live = null;
  else chat.live ??= { text: "", doing: "thinking…" };
}

let reading = null;
let again = false;

// One read at a time; a change during a read is read once more after it.
function refresh() {
  if (reading) {
    again = true;
    return reading;
  }
  reading = readMessages().then(() => { chat.problem = ""; }, (error) => { chat.problem = error.message; })
    .then(() => {
      reading = null;
      redraw(draw);
      if (!again) return undefined;
      again = false;
      return refresh();
    });
  return reading;
}

async function choose(id) {
  chat.id = id;
  chat.messages = [];
  chat.live = null;
  remember(id);
  await refresh();
  drawPicker();
  if (log) log.scrollTop = log.scrollHeight;
  return id;
}

// What is typed while a conversation opens belongs to that one: `opening` is a promise of its id.
let opened = null;
let opening = new Promise((resolve) => { opened = resolve; });

async function start() {
  if (chat.ready) return;
  try {
    const latest = await readList();
    const id = wanted(chat.list) ?? latest;
    chat.ready = true;
    chat.problem = "";
    opened(await choose(id));
  } catch (error) {
    chat.problem = error.message;
    redraw(draw);
    if (error.status !== 401) setTimeout(start, 1000); // the conversation store is still opening
  }
}

function create() {
  opening = opening.then(createNow);
}

async function createNow() {
  try {
    const { id } = await post("/api/conversations", {});
    await readList();
    await choose(id);
    fieldOf("mx-message")?.focus();
  } catch (error) {
    chat.problem = error.message;
    redraw(draw);
  }
  return chat.id;
}

const MOST = 4000;
const NEAR = 3800;
const COUNT = new Intl.NumberFormat("en-US");
const lengthOf = (text) => [...text].length; // counted as the server counts: a character is a code point
let count = null;

function drawCount() {
  const length = lengthOf(clean(fieldOf("mx-message")?.value).trim());
  const over = length > MOST ? ` Not sent before it is ${COUNT.format(length - MOST)} shorter.` : "";
  const text = length > NEAR ? `4,000 characters at most; this message has ${COUNT.format(length)}.${over}` : "";
  count.hidden = !text;
  count.classList.toggle("mx-over", length > MOST);
  setText(count, text);
  return text;
}

// The box is emptied at once and the text stands in the log; what cannot be sent comes back into the box.
function send() {
  const field = fieldOf("mx-message");
  const text = clean(field?.value).trim();
  if (!text) return;
  if (lengthOf(text) > MOST) {
    announce(drawCount());
    return;
  }
  type(field, "");
  outbox.push({ text, opening });
  redraw(draw);
  if (log) requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; });
  deliverAll();
}

let delivering = false;

async function deliverAll() {
  if (delivering) return;
  delivering = true;
  while (outbox.length) {
    try {
      await deliver(outbox[0]);
      outbox.shift();
      chat.problem = "";
    } catch (error) {
      giveBack(outbox.splice(0).map(({ text }) => text).join("\n"), error);
    }
    redraw(draw);
  }
  delivering = false;
}

const OPENING_PAUSE_MS = 1000;

async function deliver(item) {
  const id = await item.opening;
  if (id === chat.id) chat.live ??= { text: "", doing: "thinking…" };
  redraw(draw);
  try {
    await post(`/api/conversations/${encodeURIComponent(id)}/messages`, { text: item.text });
    localStorage.setItem(LAST_KEY, id);
  } catch (error) {
    if (error.code !== "CHAT_STARTING") throw error;
    await new Promise((resolve) => { setTimeout(resolve, OPENING_PAUSE_MS); }); // the app started again; nothing was taken
    await deliver(item);
    return;
  }
  await refresh();
  if (log) log.scrollTop = log.scrollHeight;
}

function giveBack(text, error) {
  const field = fieldOf("mx-message");
  if (field) type(field, [text, field.value].filter(Boolean).join("\n"));
  chat.live = null;
  chat.problem = `Not sent. ${error.message}`;
  announce(chat.problem);
}

const DOING = { prices: "looking at prices…", propose_order: "writing a proposal…", explain_trade: "reading the journal…" };

function take({ conversation, kind, text, tool }) {
  if (conversation !== chat.id) return;
  if (kind === "sentence") {
    chat.live ??= { text: "", doing: "" };
    chat.live.text = chat.live.text ? `${chat.live.text} ${text}` : text;
  } else if (kind === "tool") {
    chat.live ??= { text: "", doing: "" };
    chat.live.doing = DOING[tool] ?? (tool ? `using ${tool}…` : "working…");
  } else if (kind !== "started" || !delivering) {
    if (kind === "done" && chat.live?.text) announce(chat.live.text);
    if (kind === "error" && text) announce(text);
    refresh();
    if (kind === "done" || kind === "error") readList().then(drawPicker, () => undefined);
  }
  redraw(draw);
}

export function fillTranscript(node) {
  log = h("div", { class: "mx-log mx-blank", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0" });
  note = h("p", { class: "mx-form-error", role: "alert" });
  count = h("p", { class: "mx-count", hidden: true });
  node.append(log, cardLink, note, count);
  document.addEventListener("input", (event) => { if (event.target === fieldOf("mx-message")) drawCount(); });
  whenSubmitted({ fields: ["mx-message"], button: "mx-send" }, send);
  on("chat", take);
  on("all", () => { if (chat.id) refresh(); });
  on("chat-ready", () => { if (!chat.ready) start(); });
  start();
}

export function fillConversations(node) {
  picker = h("select", { "aria-label": "Conversation", onchange: () => { opening = choose(picker.value); } });
  node.append(h("div", { class: "mx-picker" }, picker,
    h("button", { type: "button", class: "mx-button", onclick: create }, "New conversation")));
  drawPicker();
}
