// The transcript. The server holds it; this draws it, and adds sentences while they arrive.

import { announce, clean, get, h, on, post, redraw, setText, state, when } from "./core.js";
import { recordLink, richText } from "./links.js";

const chat = { id: null, list: [], messages: [], live: null, problem: "", ready: false };
let log = null;
let picker = null;
let note = null;
const drawn = new Map();

const wanted = () => new URLSearchParams(location.search).get("conversation");

function remember(id) {
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

let liveShown = null;

function draw() {
  if (!log) return;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  liveShown?.remove();
  const ids = new Set();
  for (const message of chat.messages) {
    ids.add(message.id);
    const key = `${message.text}|${(message.citations ?? []).length}`;
    const old = drawn.get(message.id);
    if (old?.key === key) continue;
    const node = messageNode(message);
    if (old) old.node.replaceWith(node);
    drawn.set(message.id, { key, node });
    log.append(node);
  }
  for (const [id, { node }] of drawn) {
    if (ids.has(id)) continue;
    node.remove();
    drawn.delete(id);
  }
  liveShown = chat.live ? liveNode() : null;
  if (liveShown) log.append(liveShown);
  log.classList.toggle("mx-blank", chat.messages.length === 0 && !chat.live);
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
}

async function start() {
  try {
    const latest = await readList();
    const id = chat.list.some((item) => item.id === wanted()) ? wanted() : latest;
    chat.ready = true;
    chat.problem = "";
    if (id) await choose(id);
    else await create();
  } catch (error) {
    chat.problem = error.message;
    redraw(draw);
    if (error.status !== 401) setTimeout(start, 1000); // the conversation store is still opening
  }
}

// What is typed while another conversation opens belongs to that one: `send` waits for it.
let opening = Promise.resolve();

function create() {
  opening = createNow();
  return opening;
}

async function createNow() {
  try {
    const { id } = await post("/api/conversations", {});
    await readList();
    await choose(id);
    document.querySelector("#mx-message textarea, #mx-message input")?.focus();
  } catch (error) {
    chat.problem = error.message;
    redraw(draw);
  }
}

// Called by the form that Gradio draws; what comes back stays in the box.
export async function send(text) {
  const said = clean(text).trim();
  if (!said) return "";
  await opening;
  if (!chat.id) {
    chat.problem = "The conversation is still opening. Try again in a moment.";
    redraw(draw);
    return text;
  }
  chat.live ??= { text: "", doing: "thinking…" };
  redraw(draw);
  try {
    await post(`/api/conversations/${encodeURIComponent(chat.id)}/messages`, { text: said });
    chat.problem = "";
    await refresh();
    if (log) log.scrollTop = log.scrollHeight;
    return "";
  } catch (error) {
    chat.live = null;
    chat.problem = error.message;
    redraw(draw);
    announce(error.message);
    return text;
  }
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
  } else {
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
  node.append(log, note);
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
