// Links to receipts and the tabs they open in.

import { h } from "./core.js";

const RECORD = /R-[0-9A-HJKMNP-TV-Z]{26}/g;
let openRecord = () => undefined;

export function whenRecordOpens(handler) {
  openRecord = handler;
}

export function shortId(id) {
  return id.length > 14 ? `${id.slice(0, 2)}…${id.slice(-6)}` : id;
}

export function recordLink(id) {
  const query = new URLSearchParams({ tab: "journal", entry: id });
  return h("a", { class: "mx-record", href: `?${query}`, title: id, "aria-label": `Receipt ${id}`, onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openRecord(id);
  } }, shortId(id));
}

// Plain text with record ids as links, **bold** and `code`. Nodes are built; nothing is parsed as HTML.
export function richText(text) {
  const out = [];
  for (const part of text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/)) {
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) out.push(h("strong", {}, ...withRecords(part.slice(2, -2))));
    else if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) out.push(h("code", {}, ...withRecords(part.slice(1, -1))));
    else out.push(...withRecords(part));
  }
  return out;
}

function withRecords(text) {
  const out = [];
  let last = 0;
  for (const match of text.matchAll(RECORD)) {
    out.push(text.slice(last, match.index), recordLink(match[0]));
    last = match.index + match[0].length;
  }
  out.push(text.slice(last));
  return out.filter((piece) => piece !== "");
}

const tabButtons = () => [...document.querySelectorAll('#mx-tabs button[role="tab"]')];

const PRESS_AGAIN_MS = 50;
const PRESSES = 100;
let wantedTab = null;

// A tab that is pressed before Gradio listens stays shut: it is pressed until it opens or the person takes another.
export function openTab(name) {
  wantedTab = name;
  pressTab(name, PRESSES);
}

function pressTab(name, left) {
  if (wantedTab !== name || currentTab() === name || left === 0) return;
  tabButtons().find((button) => button.textContent.trim().toLowerCase() === name)?.click();
  setTimeout(() => pressTab(name, left - 1), PRESS_AGAIN_MS);
}

export function currentTab() {
  return tabButtons().find((button) => button.getAttribute("aria-selected") === "true")?.textContent.trim().toLowerCase() ?? "chat";
}

export function rememberTab(name, entry = null) {
  const query = new URLSearchParams(location.search);
  query.delete("entry");
  query.set("tab", name);
  if (entry) query.set("entry", entry);
  history.replaceState(null, "", `${location.pathname}?${query}`);
}
