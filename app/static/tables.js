// Markets, Orders and Connections: rows are kept by key and only changed cells are written.

import { ageText, announce, grouped, h, on, post, redraw, setClass, setText, signOf, state, TIME, when, zone } from "./core.js";
import { allLights, glyphOf, wordOf } from "./bar.js";
import { recordLink } from "./links.js";

// columns: [{title, cls, cell(row) -> text or node, wide}]
class Table {
  constructor(caption, columns, emptyText) {
    this.columns = columns;
    this.rows = new Map();
    this.body = h("tbody", { role: "rowgroup" });
    this.empty = h("p", { class: "mx-empty" }, emptyText);
    this.table = h("table", { class: "mx-table", role: "table" },
      h("caption", {}, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((column) =>
        h("th", { scope: "col", role: "columnheader", class: column.cls }, column.title)))),
      this.body);
    this.node = h("div", { class: "mx-table-box" }, this.table, this.empty);
  }

  draw(items, keyOf) {
    const seen = new Set();
    let before = null;
    for (const item of items) {
      const key = keyOf(item);
      seen.add(key);
      let row = this.rows.get(key);
      if (!row) {
        row = h("tr", { role: "row" }, this.columns.map((column) => h("td", { role: "cell", class: column.cls, "data-label": column.title })));
        this.rows.set(key, row);
      }
      const expected = before ? before.nextSibling : this.body.firstChild;
      if (expected !== row && !row.contains(document.activeElement)) this.body.insertBefore(row, expected);
      before = row;
      this.columns.forEach((column, index) => write(row.children[index], column, item));
    }
    for (const [key, row] of this.rows) {
      if (seen.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    this.table.hidden = items.length === 0;
    this.empty.hidden = items.length > 0;
  }
}

function write(cell, column, item) {
  if (column.node) {
    const key = column.keyOf(item);
    if (cell.dataset.key === key) return;
    cell.dataset.key = key;
    cell.replaceChildren(...[column.node(item)].flat().filter(Boolean));
    return;
  }
  setText(cell, column.cell(item));
  if (column.full) cell.title = column.full(item);
  if (column.tone) setClass(cell, `${column.cls ?? ""} ${column.tone(item)}`.trim());
}

const num = (title, cell, more = {}) => ({ title, cls: "mx-num", cell, ...more });
const toneOf = (value) => ["mx-loss", "mx-flat", "mx-gain"][signOf(value) + 1];
const signed = (value) => (signOf(value) > 0 && !String(value).startsWith("+") ? `+${grouped(value)}` : grouped(value));
const arrow = (value) => ["▼ ", "", "▲ "][signOf(value) + 1];
const sideTone = ({ side }) => (side === "buy" ? "mx-buy" : "mx-sell");
const upper = (text) => String(text ?? "").toUpperCase();
const usd = (value) => (value === null || value === undefined ? "–" : grouped(value));
const TWO = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const cents = (value) => (value === null || value === undefined ? "–" : TWO.format(value)); // takes the decimal string itself
const SIX = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });

// A fee of many decimals is told in six; the cell's title has all of them.
function shortFee(value) {
  if (value === null || value === undefined) return "–";
  const text = SIX.format(value);
  return signOf(value) !== 0 && signOf(text) === 0 ? "< 0.000001" : text;
}

function section(title, ...children) {
  return h("section", { class: "mx-section" }, h("h2", {}, title), ...children);
}

const age = (price) => price.age_s + (performance.now() - price.seen) / 1000;

export function fillMarkets(node) {
  const table = new Table("Live prices", [
    { title: "Symbol", cls: "mx-key", cell: ({ symbol }) => upper(symbol) },
    num("Bid", ({ bid }) => usd(bid)),
    num("Ask", ({ ask }) => usd(ask)),
    num("Spread %", ({ spread_pct: spread }) => spread ?? "–"),
    num("24 h %", ({ change_24h_pct: change }) => (change === null || change === undefined ? "–" : arrow(change) + signed(change)),
      { tone: ({ change_24h_pct: change }) => toneOf(change) }),
    num("Age", (price) => ageText(age(price)), { tone: (price) => (age(price) > 10 ? "mx-slow" : "") }),
  ], "No prices yet. They appear when the market line is up.");
  node.append(section("Markets", table.node));
  const draw = () => table.draw([...state.prices.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1)), (row) => row.symbol);
  for (const topic of ["all", "prices"]) on(topic, () => redraw(draw));
  setInterval(() => redraw(draw), 1000);
  draw();
}

const OPEN = new Set(["sending", "open", "unknown"]); // unknown counts as live until the venue proves otherwise
const isOpen = (order) => OPEN.has(order.state);

function cancelButton(order) {
  const said = h("span", { class: "mx-form-error", role: "alert" });
  const button = h("button", { type: "button", class: "mx-button mx-small", "aria-label": `Cancel ${order.side} ${order.amount} ${upper(order.symbol)}` }, "Cancel");
  button.addEventListener("click", async () => {
    button.disabled = true;
    setText(said, "");
    try {
      const answer = await post("/api/cancel", { order_id: order.order_id });
      const problem = answer.failed.find((item) => item.order_id === order.order_id);
      if (problem) throw new Error(problem.message);
      announce("Order cancelled");
    } catch (error) {
      setText(said, error.message);
    }
    button.disabled = false;
  });
  return order.order_id ? [button, said] : h("span", {}, "waiting for its id");
}

const record = (keyOf = (row) => row.record_id) => ({ title: "Receipt", cls: "mx-key", keyOf, node: (row) => (keyOf(row) ? recordLink(keyOf(row)) : null) });

function orderColumns() {
  return [
    { title: TIME, cell: (order) => when(order.created_at) },
    { title: "Side", cell: ({ side }) => upper(side), tone: sideTone },
    { title: "Symbol", cls: "mx-key", cell: ({ symbol }) => upper(symbol) },
    num("Amount", ({ amount }) => amount),
    num("Price", ({ price }) => usd(price)),
    num("Filled", ({ filled }) => filled),
    { title: "State", cell: (order) => [order.state, order.option].filter(Boolean).join(" · ").replaceAll("_", " ") },
    { title: "Action", keyOf: (order) => `${order.client_order_id}${order.order_id ?? ""}`, node: cancelButton },
    record(),
  ];
}

function fillColumns() {
  return [
    { title: TIME, cell: ({ at }) => when(at) },
    { title: "Side", cell: ({ side }) => upper(side), tone: sideTone },
    { title: "Symbol", cls: "mx-key", cell: ({ symbol }) => upper(symbol) },
    num("Amount", ({ amount }) => amount),
    num("Price", ({ price }) => usd(price)),
    num("Fee", ({ fee, fee_currency: currency }) => `${shortFee(fee)} ${upper(currency)}`,
      { full: ({ fee, fee_currency: currency }) => `${fee} ${upper(currency)}` }),
    { title: "Role", cell: ({ is_maker: isMaker }) => (isMaker ? "maker" : "taker") },
    record(),
  ];
}

function positionColumns() {
  return [
    { title: "Asset", cls: "mx-key", cell: ({ asset }) => upper(asset) },
    num("Amount", ({ amount }) => amount),
    num("Average cost", ({ average_cost_usd: cost }) => usd(cost)),
    num("Value $", ({ value_usd: value }) => usd(value)),
    num("Unrealised $", ({ unrealised_usd: value }) => (value === null ? "–" : signed(value)), { tone: ({ unrealised_usd: value }) => toneOf(value) }),
    num("Realised $", ({ realised_usd: value }) => signed(value), { tone: ({ realised_usd: value }) => toneOf(value) }),
    num("Fees $", ({ fees_usd: value }) => cents(value), { full: ({ fees_usd: value }) => value ?? "" }),
    num("Break-even", ({ break_even_price: value }) => usd(value)),
  ];
}

class Tiles {
  constructor(names) {
    this.values = new Map(names.map((name) => [name, h("dd", {})]));
    this.node = h("dl", { class: "mx-tiles" }, names.map((name) => h("div", {}, h("dt", {}, name), this.values.get(name))));
  }

  set(name, value, tone = "") {
    setText(this.values.get(name), value);
    setClass(this.values.get(name), tone);
  }
}

function drawTiles(tiles) {
  const { equity_usd: equity, day = {}, cash = [] } = state.portfolio;
  tiles.set("Equity $", cents(equity));
  const dollars = cash.find(({ currency }) => String(currency).toLowerCase() === "usd");
  tiles.set("Cash $", cents(dollars?.available));
  tiles.set("P&L today $", day.pnl_usd === undefined ? "–" : arrow(day.pnl_usd) + signed(day.pnl_usd), toneOf(day.pnl_usd));
  tiles.set("Fees today $", cents(day.fees_usd));
  tiles.set("Turnover today $", cents(day.turnover_usd));
}

const LIMIT_NAMES = {
  global_open_plus_filled_day_usd: "Open and filled today",
  turnover_day_usd: "Turnover today",
  orders_per_rolling_60s: "Orders in the last minute",
  max_open_orders: "Open orders",
  daily_loss_usd: "Loss today",
};

function share({ used, limit }) {
  const top = Number(limit);
  return top > 0 ? Math.min(100, Math.max(0, Math.round((Number(used) / top) * 100))) : 0;
}

export function fillOrders(node) {
  const tiles = new Tiles(["Equity $", "Cash $", "P&L today $", "Fees today $", "Turnover today $"]);
  const positions = new Table("Positions", positionColumns(), "No positions.");
  const open = new Table("Open orders", orderColumns(), "No open orders.");
  const fills = new Table("Fills", fillColumns(), "No fills yet.");
  const limits = new Table("Limits used", [
    { title: "Limit", cls: "mx-key", cell: ([name]) => LIMIT_NAMES[name] ?? name.replaceAll("_", " "), full: ([name]) => name },
    num("Used", ([, value]) => grouped(value.used)),
    num("Of", ([, value]) => grouped(value.limit)),
    { title: "Share", cls: "mx-num", keyOf: ([, value]) => String(share(value)), node: ([, value]) =>
      h("span", { class: "mx-share" }, h("span", { class: "mx-meter", "aria-hidden": "true", style: `--share:${share(value)}%` }), `${share(value)} %`) },
  ], "The desk has not told its limits yet.");
  node.append(h("h2", { class: "mx-voice" }, "Orders"), tiles.node,
    section("Open orders", open.node), section("Positions", positions.node), section("Fills", fills.node), section("Limits used today", limits.node));
  const newest = (a, b) => (a < b ? 1 : -1);
  const draw = () => {
    drawTiles(tiles);
    positions.draw((state.portfolio.positions ?? []).filter(({ amount }) => signOf(amount) !== 0), (row) => row.asset);
    open.draw([...state.orders.values()].filter(isOpen).sort((a, b) => newest(a.created_at, b.created_at)), (row) => row.client_order_id);
    fills.draw([...state.fills.values()].sort((a, b) => newest(a.at, b.at)).slice(0, 50), (row) => row.record_id);
    limits.draw(Object.entries(state.portfolio.limits_used ?? {}), ([name]) => name);
  };
  for (const topic of ["all", "order", "fill", "portfolio"]) on(topic, () => redraw(draw));
  draw();
}

export function fillConnections(node) {
  const facts = h("dl", { class: "mx-facts mx-fact-grid" });
  const lights = new Table("Connections", [
    { title: "Connection", cls: "mx-key", cell: ({ name }) => name },
    { title: "State", cell: (light) => `${glyphOf(light.state)} ${wordOf(light)}`, tone: (light) => `mx-${light.state}` },
    { title: "What", cell: ({ detail }) => detail || "–" },
    num("Age", ({ age_s: seconds }) => ageText(seconds)),
    { title: "Last error", cell: ({ last_error: error }) => error || "none" },
  ], "Nothing known yet.");
  node.append(section("Desk", facts), section("Connections", lights.node));
  const draw = () => {
    const { status } = state;
    const rows = [["Mode", upper(status.mode)], ["Venue", status.venue], ["Account", status.account], ["Trading", status.kill_state],
      ["Reconciled with the venue", status.reconciled === undefined ? "" : status.reconciled ? "yes" : "not yet"],
      ["Times on this page", zone], ["Times in the desk’s answers", status.timezone], ["Version", status.version]];
    facts.replaceChildren(...rows.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value || "–"))));
    lights.draw(allLights(), (row) => row.name);
  };
  for (const topic of ["all", "status", "desk", "page", "model"]) on(topic, () => redraw(draw));
  draw();
}
