// The journal: search, and one receipt at a time.

import { clean, get, grouped, h, setText, TIME, when } from "./core.js";
import { fieldOf, whenSubmitted } from "./forms.js";
import { openTab, recordLink, rememberTab, richText, shortId } from "./links.js";

const RECORD_ID = /^R-[0-9A-HJKMNP-TV-Z]{26}$/;
const MAX_ROW = 240;
let results = null;
let receipt = null;
let said = null;
let shownId = null;

function rowText(record) {
  const text = record.summary || record.decision_text || record.error_text || record.payload_text || record.result_json || "";
  const flat = clean(typeof text === "string" ? text : JSON.stringify(text)).replace(/\s+/g, " ");
  return flat.length > MAX_ROW ? `${flat.slice(0, MAX_ROW - 1)}…` : flat;
}

function resultRow(record) {
  return h("tr", { role: "row" },
    h("td", { role: "cell", "data-label": TIME, class: "mx-tight" }, when(record.ts, true)),
    h("td", { role: "cell", "data-label": "Kind", class: "mx-key" }, record.kind),
    h("td", { role: "cell", "data-label": "Symbol", class: "mx-tight" }, (record.symbol ?? "").toUpperCase() || "–"),
    h("td", { role: "cell", "data-label": "What", class: "mx-full" }, rowText(record) || "–"),
    h("td", { role: "cell", "data-label": "Receipt", class: "mx-key" }, recordLink(record.id)));
}

function showResults(records, total) {
  setText(said, total > records.length ? `${records.length} newest of ${total} records` : `${records.length} records`);
  results.replaceChildren(records.length ? h("table", { class: "mx-table", role: "table" },
    h("caption", {}, "Journal records, newest first"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, [TIME, "Kind", "Symbol", "What", "Receipt"].map((title) =>
      h("th", { scope: "col", role: "columnheader" }, title)))),
    h("tbody", { role: "rowgroup" }, records.map(resultRow)))
    : h("p", { class: "mx-empty" }, "No record matches. Use fewer words, or leave kind and symbol empty."));
}

const typed = (id) => clean(fieldOf(id)?.value).trim();
let searches = 0;

async function search() {
  const wanted = typed("mx-search-text");
  if (RECORD_ID.test(wanted.toUpperCase())) {
    openRecord(wanted.toUpperCase());
    return;
  }
  const query = new URLSearchParams({ text: wanted, kind: typed("mx-search-kind").toLowerCase(), symbol: typed("mx-search-symbol").toLowerCase() });
  searches += 1;
  const mine = searches;
  setText(said, "searching…");
  try {
    const { records, total } = await get(`/api/journal/search?${query}`);
    if (mine === searches) showResults(records, total);
  } catch (error) {
    if (mine === searches) setText(said, error.message);
  }
}

function pretty(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  try {
    const parsed = JSON.parse(text);
    return parsed !== null && typeof parsed === "object" ? JSON.stringify(parsed, null, 2) : clean(text);
  } catch {
    return clean(text);
  }
}

const LONG = [["Decision", "decision_text"], ["Payload", "payload_text"], ["Headers", "headers_text"], ["Result", "result_json"], ["Error", "error_text"]];

function fact(label, value) {
  return value === null || value === undefined || value === "" ? null : h("div", {}, h("dt", {}, label), h("dd", {}, value));
}

function receiptNode(record) {
  return h("article", { class: "mx-receipt", "aria-labelledby": "mx-receipt-title" },
    h("h3", { id: "mx-receipt-title", tabindex: "-1" }, `Receipt: ${record.kind}`),
    record.summary ? h("p", { class: "mx-summary" }, richText(clean(record.summary))) : null,
    h("dl", { class: "mx-facts mx-fact-grid" },
      fact("Record", record.id), fact(TIME, when(record.ts, true)), fact("Recorded as", record.ts), fact("Sequence", grouped(record.seq)),
      fact("Mode", record.mode), fact("Venue", record.venue), fact("Symbol", record.symbol?.toUpperCase()), fact("Source", record.source),
      fact("Latency", record.latency_ms === null || record.latency_ms === undefined ? null : `${record.latency_ms} ms`),
      fact("Caused by", record.cause ? recordLink(record.cause) : "nothing earlier")),
    h("div", { class: "mx-chain", "data-chain": record.id }),
    LONG.filter(([, key]) => record[key]).map(([label, key]) => [h("h4", {}, label),
      h("pre", { tabindex: "0", "aria-label": label }, pretty(record[key]))]),
    h("details", { class: "mx-digest" }, h("summary", {}, "Chain: hash ", h("code", {}, clean(record.hash).slice(0, 8))),
      h("p", { class: "mx-break" }, "hash ", h("code", {}, record.hash)), h("p", { class: "mx-break" }, "prev ", h("code", {}, record.prev))));
}

function chainList(title, records) {
  if (!records.length) return [];
  return [h("h4", {}, title), h("ol", { class: "mx-chain-list", "aria-label": title }, records.map(({ id, ts, kind, summary }) => h("li", {},
    h("span", { class: "mx-muted" }, when(ts), " "), h("strong", {}, kind), " ", recordLink(id), summary ? h("p", {}, summary) : null)))];
}

// Read after the receipt itself: the receipt does not wait for its neighbours.
async function showChain(id) {
  const place = receipt.querySelector(`[data-chain="${CSS.escape(id)}"]`);
  try {
    const { causes, effects, looked_at: lookedAt } = await get(`/api/journal/records/${encodeURIComponent(id)}/chain`);
    place.replaceChildren(...chainList("What led to it, first cause first", causes),
      ...chainList(`What it led to (among the ${lookedAt} records after it)`, effects));
  } catch (error) {
    setText(place, `What led to it could not be read: ${error.message}`);
  }
}

export async function openRecord(id) {
  openTab("journal");
  rememberTab("journal", id);
  shownId = id;
  if (!receipt) return;
  receipt.replaceChildren(h("p", { class: "mx-muted" }, `Reading ${shortId(id)} …`));
  try {
    const record = await get(`/api/journal/records/${encodeURIComponent(id)}`);
    if (shownId !== id) return;
    receipt.replaceChildren(receiptNode(record));
    receipt.querySelector("h3").focus();
    await showChain(id);
  } catch (error) {
    if (shownId === id) receipt.replaceChildren(h("p", { class: "mx-form-error", role: "alert" }, error.message));
  }
}

export function fillJournal(node) {
  said = h("p", { class: "mx-muted", role: "status" });
  results = h("div", { class: "mx-table-box" });
  receipt = h("div", { class: "mx-receipt-box" });
  node.append(h("h2", { class: "mx-voice" }, "Journal"), receipt, said, results);
  whenSubmitted({ fields: ["mx-search-text", "mx-search-kind", "mx-search-symbol"], button: "mx-search-go" }, search);
  search();
  if (shownId) openRecord(shownId);
}

export function wantRecord(id) {
  const wanted = clean(id).toUpperCase();
  if (RECORD_ID.test(wanted)) openRecord(wanted);
}
