// The fixed bar: mode, lights, "Flatten & Pause". It does not wait for Gradio.

import { announce, grouped, h, on, post, redraw, setClass, setText, state, when, zone } from "./core.js";

const GLYPH = { ok: "●", slow: "▲", down: "■", off: "○" };
export const glyphOf = (light) => GLYPH[light] ?? "■";
export const wordOf = (light) => [light.label, light.word ?? light.state].filter(Boolean).join(" · ");

const mode = h("strong", { class: "mx-mode" }, "…");
const modeLine = h("span", { class: "mx-mode-line" }, "connecting");
const times = h("span", { class: "mx-zone", title: `Every time on this page is in ${zone}` }, `times in ${zone}`);
const lights = h("ul", { class: "mx-lights", "aria-label": "Connections" });
const killWord = h("span", {}, "Flatten & Pause");
const kill = h("button", { type: "button", class: "mx-kill", "aria-keyshortcuts": "Alt+K", onclick: stopAll },
  killWord, h("kbd", {}, "Alt+K"));
const banner = h("div", { class: "mx-banner", hidden: true });
const bar = h("header", { class: "mx-bar", "aria-label": "Desk status" },
  h("div", { class: "mx-bar-row" },
    h("div", { class: "mx-brand" }, mode, modeLine, times), lights, kill),
  banner);

export function allLights() {
  const own = [];
  if (!state.page.up) own.push({ name: "Page", state: "down", detail: "no live line to the app; trying again" });
  else if (!state.desk.up) own.push({ name: "Desk", state: "down", detail: state.desk.text });
  else own.push({ name: "Desk", state: "ok", detail: "connected" });
  const known = state.status.lights ?? [];
  const trusted = state.page.up && state.desk.up;
  return own.concat(known.map((light) => (trusted ? named(light)
    : { ...light, state: "down", detail: "last known; the desk does not answer" })), modelLight());
}

// A stop is the person's own doing and no fault of a line: it is called by its name.
const named = (light) => (light.name === "Trading" && light.state !== "ok" ? { ...light, word: light.detail } : light);

function modelLight() {
  const { model, page } = state;
  if (!model) return [];
  if (!page.up) return { ...model, state: "down", word: "down", detail: "last known; the app does not answer" };
  return { ...model, age_s: model.at ? (Date.now() + state.clockOffset - Date.parse(model.at)) / 1000 : null };
}

const spoken = new Map();

function drawLights() {
  const shown = allLights();
  const items = new Map([...lights.children].map((item) => [item.dataset.name, item]));
  for (const light of shown) {
    let item = items.get(light.name);
    if (!item) {
      item = h("li", { "data-name": light.name }, h("span", { "aria-hidden": "true" }), h("span", {}));
      lights.append(item);
    }
    items.delete(light.name);
    setClass(item, `mx-${light.state}`);
    setText(item.children[0], glyphOf(light.state));
    setText(item.children[1], `${light.name}: ${wordOf(light)}`);
    item.title = light.detail ?? "";
    speak(light);
  }
  for (const item of items.values()) item.remove();
}

function speak(light) {
  const before = spoken.get(light.name);
  const now = wordOf(light);
  spoken.set(light.name, now);
  if (before !== undefined && before !== now) announce(`${light.name}: ${now}`);
}

// One press acts at once. It stays pressable, so that a failed or slow stop can be repeated.
let stopping = "";
let report = []; // what this page's last stop did, in sentences

const several = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function soldText({ symbol, filled, amount, average_price: price }) {
  const asset = String(state.prices.get(symbol)?.base ?? symbol).toUpperCase();
  const at = price ? ` at ${grouped(price)} on average` : "";
  return filled === amount ? `Sold ${filled} ${asset}${at}.` : `Sold ${filled} of ${amount} ${asset}${at}.`;
}

function reportOf({ cancelled = [], flattened = [], failed = [] }) {
  const gone = cancelled.length ? `${several(cancelled.length, "order")} cancelled` : "no open order was left to cancel";
  return [`Your stop at ${when(new Date().toISOString())}: ${gone}, ${flattened.length ? "and positions sold:" : "and nothing sold."}`,
    ...flattened.map(soldText),
    ...failed.map(({ order_id: id, message }) => `Not done: ${[id, message].filter(Boolean).join(": ")}`)];
}

async function stopAll() {
  if (stopping === "busy") return;
  stopping = "busy";
  draw();
  try {
    const answer = await post("/api/kill", {});
    stopping = answer.failed?.length ? "failed" : "";
    report = reportOf(answer);
    state.status = { ...state.status, kill_state: answer.kill_state };
    announce(`${stopping ? "Stopped, but not everything was done. Press again." : "Paused."} ${report.join(" ")}`);
  } catch (error) {
    stopping = "failed";
    report = [`Stopping failed: ${error.message} Press again.`];
    announce(report[0]);
  }
  draw();
}

function drawKill() {
  const halted = ["halted", "reducing"].includes(state.status.kill_state);
  let word = halted ? "PAUSED" : "Flatten & Pause";
  if (stopping === "busy") word = "Stopping…";
  if (stopping === "failed") word = "FAILED – retry";
  setText(killWord, word);
  setClass(kill, `mx-kill${halted && !stopping ? " mx-kill-done" : ""}`);
}

let bannerFor = null;

function drawBanner() {
  const halted = ["halted", "reducing"].includes(state.status.kill_state);
  const shown = halted || stopping === "failed";
  const text = shown ? [halted, state.status.kill_state, state.status.kill_reason ?? "", ...report].join("|") : "";
  banner.hidden = !shown;
  if (text === bannerFor) return;
  bannerFor = text;
  banner.replaceChildren();
  if (!shown) return;
  const told = report.length ? h("ul", { class: "mx-report", "aria-label": "What the stop did" }, report.map((line) => h("li", {}, line))) : null;
  if (!halted) {
    banner.append(told);
    return;
  }
  const word = state.status.kill_state === "halted" ? "Trading is halted" : "Reducing: cancelling and closing";
  banner.append(
    h("p", {}, h("span", { "aria-hidden": "true" }, "■ "), h("strong", {}, word),
      state.status.kill_reason ? `: ${state.status.kill_reason}.` : ".",
      " Nothing new is sent until you release it."),
    ...[told, releaseForm()].filter(Boolean));
  announce(word);
}

function releaseForm() {
  const word = h("input", { type: "text", autocomplete: "off", spellcheck: "false", size: "9", "aria-label": "Type RELEASE to confirm",
    placeholder: "RELEASE" });
  const said = h("span", { class: "mx-form-error", role: "alert" });
  const open = h("button", { type: "button", class: "mx-button" }, "Release…");
  const form = h("form", { class: "mx-release", hidden: true },
    h("span", {}, "Type RELEASE:"), word,
    h("button", { type: "submit", class: "mx-button mx-primary" }, "Release the desk"),
    h("button", { type: "button", class: "mx-button", onclick: () => { form.hidden = true; open.hidden = false; open.focus(); } }, "Back"),
    said);
  open.addEventListener("click", () => { form.hidden = false; open.hidden = true; word.focus(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (word.value.trim().toUpperCase() !== "RELEASE") {
      setText(said, "Type the word RELEASE to let the desk trade again.");
      word.focus();
      return;
    }
    try {
      state.status = await post("/api/release", {});
      stopping = "";
      report = [];
      announce("Released. The desk may trade again.");
      draw();
    } catch (error) {
      setText(said, error.message);
    }
  });
  return h("div", { class: "mx-release-box" }, open, form);
}

function draw() {
  setText(mode, (state.status.mode ?? "…").toUpperCase());
  setText(modeLine, (state.status.mode_line ?? "").replace(/^[A-Z]+ · /, "")); // the mode stands beside it
  drawLights();
  drawKill();
  drawBanner();
}

export function startBar() {
  document.body.prepend(bar);
  new ResizeObserver(() => document.documentElement.style.setProperty("--mx-bar", `${bar.offsetHeight}px`)).observe(bar);
  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyK") {
      event.preventDefault();
      stopAll();
    }
  }, true);
  for (const topic of ["all", "status", "desk", "page", "model"]) on(topic, () => redraw(draw));
  on("signed-out", () => {
    bannerFor = null;
    banner.hidden = false;
    banner.replaceChildren(h("p", {}, "This browser is signed out. Run ", h("code", {}, "matrix url"), " and open the address it prints."));
  });
  draw();
}
