// Starts everything: the bar at once, each place when Gradio has drawn it, the live line.

import { startBar } from "./bar.js";
import { fillDock } from "./cards.js";
import { fillConversations, fillTranscript } from "./chat.js";
import { connect, fillPlaces, h, loadSession, on, place } from "./core.js";
import { fillJournal, openRecord, wantRecord } from "./journal.js";
import { currentTab, openTab, rememberTab, whenRecordOpens } from "./links.js";
import { fillConnections, fillMarkets, fillOrders } from "./tables.js";

whenRecordOpens(openRecord);

place("heading", (node) => node.append(h("h1", { class: "mx-voice" }, "crypto-matrix trading desk")));
place("conversations", fillConversations);
place("transcript", fillTranscript);
place("dock", fillDock);
place("markets", fillMarkets);
place("orders", fillOrders);
place("connections", fillConnections);
place("journal", fillJournal);

const nameOf = (tab) => tab.textContent.trim().toLowerCase();

// The tab list has no arrow keys of its own.
function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
  const tab = event.target.closest?.('#mx-tabs button[role="tab"]');
  if (step === undefined || !tab) return;
  const all = [...tab.parentElement.querySelectorAll('button[role="tab"]')];
  const at = all.indexOf(tab);
  const next = Math.abs(step) === 1 ? (at + step + all.length) % all.length : step > 0 ? all.length - 1 : 0;
  event.preventDefault();
  openTab(nameOf(all[next]));
  all[next].focus();
}

function startTab() {
  const query = new URLSearchParams(location.search);
  const tab = (query.get("tab") ?? "").toLowerCase();
  if (tab && tab !== currentTab()) openTab(tab);
  if (query.get("entry")) wantRecord(query.get("entry"));
}

let tabsSeen = false;

function onDrawn() {
  fillPlaces();
  if (!tabsSeen && document.querySelector('#mx-tabs button[role="tab"]')) {
    tabsSeen = true;
    document.addEventListener("keydown", moveTab);
    document.addEventListener("click", (event) => {
      const tab = event.target.closest?.('#mx-tabs button[role="tab"]');
      if (!tab || !event.isTrusted) return;
      openTab(nameOf(tab));
      rememberTab(nameOf(tab));
    });
    startTab();
  }
}

function start() {
  startBar();
  new MutationObserver(onDrawn).observe(document.body, { childList: true, subtree: true });
  onDrawn();
  connect();
  loadSession().catch(() => undefined); // the first write asks again and shows what is wrong
  on("signed-out", () => document.documentElement.classList.add("mx-signed-out"));
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
