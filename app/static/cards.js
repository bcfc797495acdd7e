// The approval dock. A card node is built once and only updated, so focus and typed text stay.

import { ageText, announce, clean, grouped, h, on, post, redraw, setText, state, takeProposal } from "./core.js";
import { recordLink } from "./links.js";
import { accept, guardFoot, look, redrawSteadily, watchResizing } from "./steady.js";

const QUIET_MS = 450; // after an answer, a second click on what slid under the pointer does nothing
const KEPT_SETTLED = 3;
const SETTLED_FOR_MS = 15 * 60 * 1000;

let dock = null;
let waiting = null;
let settled = null;
let empty = null;
let heading = null;
let lastAnswer = 0;
let announced = null; // null until the first picture: what was there before is not news
const cards = new Map();
const dismissed = new Set();

const byCreation = (a, b) => (a.created_at < b.created_at ? -1 : 1);

const factRow = ({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", {}, grouped(value)));
const list = (pairs) => h("dl", { class: "mx-facts" }, pairs.map(factRow));

// The desk wrote it when it made the card; the live price has a row of its own below it.
const MARKET = "Market now";
const OLD_PRICE_S = 10;

function liveMarket(symbol) {
  const price = state.prices.get(symbol);
  if (!price?.bid || !price.ask) return "no live price";
  const age = price.age_s + (performance.now() - price.seen) / 1000;
  return `bid ${grouped(price.bid)}, ask ${grouped(price.ask)}${age > OLD_PRICE_S ? ` (${ageText(age)} old)` : ""}`;
}

// The last rule asks whether the person said yes: on a waiting card that is the question, not a fault.
const isOwnYes = (check) => check.rule === "consent" && !check.ok;

function checkMark(check) {
  if (isOwnYes(check)) return h("span", { class: "mx-muted" }, "○ waits");
  return h("span", { class: check.ok ? "mx-ok" : "mx-down" }, check.ok ? "✓ passed" : "✗ failed");
}

function checkRows(checks) {
  return h("ul", {}, checks.map((check) => h("li", {},
    checkMark(check),
    h("span", { class: "mx-check-text" }, check.text,
      h("span", { class: "mx-check-rule" }, check.rule, numbersOf(check.numbers))))));
}

function checkList(verdict) {
  const checks = verdict?.checks ?? [];
  if (!checks.length) return null;
  const failed = checks.filter((check) => !check.ok && !isOwnYes(check)).length;
  const waits = checks.some(isOwnYes);
  const passed = checks.filter((check) => check.ok).length;
  const summary = failed ? `${failed} of ${checks.length} checks failed`
    : `All ${passed} checks passed${waits ? "; your yes is the last one" : ""}`;
  return h("details", { class: "mx-checks", open: failed > 0 },
    h("summary", {}, h("span", { class: failed ? "mx-down" : "mx-ok" }, failed ? "✗ " : "✓ ", summary)),
    checkRows(checks));
}

function numbersOf(numbers) {
  const pairs = Object.entries(numbers ?? {});
  if (!pairs.length) return "";
  return ` · ${pairs.map(([name, value]) => `${name} ${value}`).join(" · ")}`;
}

function digestOf(card, digest) {
  const wire = Object.entries(card.wire ?? {});
  return h("details", { class: "mx-digest" },
    h("summary", {}, "Digest ", h("code", {}, digest.slice(0, 8)), " · what exactly is signed"),
    h("p", { class: "mx-break" }, h("code", {}, digest)),
    h("dl", { class: "mx-facts mx-wire" }, wire.map(([label, value]) => h("div", {}, h("dt", {}, label),
      h("dd", {}, typeof value === "object" ? JSON.stringify(value) : value)))));
}

class Card {
  constructor(proposal) {
    this.proposal = proposal;
    const { card } = proposal;
    this.title = h("h3", { id: `mx-t-${proposal.id}`, tabindex: "-1" }, card.title);
    this.left = h("span", { class: "mx-left" });
    this.said = h("p", { class: "mx-form-error", role: "alert" });
    this.approve = h("button", { type: "button", class: "mx-button mx-primary", onclick: () => this.act("approve", { digest: proposal.digest }) }, "Approve");
    this.edit = h("button", { type: "button", class: "mx-button", "aria-expanded": "false", onclick: () => this.toggle(this.edit, this.editForm) }, "Edit");
    this.reject = h("button", { type: "button", class: "mx-button", "aria-expanded": "false", onclick: () => this.toggle(this.reject, this.rejectForm) }, "Reject");
    this.editForm = this.makeEditForm(card);
    this.rejectForm = this.makeRejectForm();
    if (!card.editable?.length) this.edit.hidden = true;
    this.market = h("dd", {});
    this.actions = h("div", { class: "mx-actions" }, this.approve, this.edit, this.reject);
    const foot = h("div", { class: "mx-card-foot" }, this.said, this.actions, this.editForm, this.rejectForm);
    this.node = h("article", { class: "mx-card", "aria-labelledby": `mx-t-${proposal.id}`, "data-id": proposal.id },
      h("div", { class: "mx-card-top" }, this.title, this.left),
      this.body(proposal), foot);
    guardFoot(foot, this.actions);
    watchResizing(this.node);
  }

  costs(pairs) {
    return h("dl", { class: "mx-facts" }, pairs.map((pair) => (pair.label !== MARKET ? factRow(pair) : [
      factRow({ ...pair, label: "Market when proposed" }),
      h("div", { class: "mx-live-market" }, h("dt", {}, "Market now (live)"), this.market)])));
  }

  body({ card, rationale, verdict, digest, is_flatten: isFlatten }) {
    const warnings = [...new Set([...(card.warnings ?? []), ...(verdict?.warnings ?? [])])];
    return h("div", { class: "mx-card-body" },
      isFlatten ? h("p", { class: "mx-note" }, "Closes a position after a stop.") : null,
      warnings.length ? h("ul", { class: "mx-warnings", "aria-label": "Warnings" }, warnings.map((text) =>
        h("li", {}, h("span", { "aria-hidden": "true" }, "▲ "), text))) : null,
      list(card.fields ?? []),
      card.costs?.length ? h("h4", {}, "Costs") : null,
      card.costs?.length ? this.costs(card.costs) : null,
      rationale ? h("figure", { class: "mx-why" }, h("figcaption", {}, "In the model’s own words, not checked"), h("blockquote", {}, rationale)) : null,
      checkList(verdict),
      digestOf(card, digest));
  }

  makeEditForm(card) {
    const inputs = (card.editable ?? []).map((name) => {
      const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", maxlength: "26",
        name, value: clean(card.wire?.[name]) });
      return { name, input, was: input.value };
    });
    const form = h("form", { class: "mx-inline", hidden: true },
      inputs.map(({ name, input }) => h("label", {}, name === "amount" ? "Amount" : "Price", input)),
      h("button", { type: "submit", class: "mx-button mx-primary" }, "Make new card"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const changes = {};
      for (const { name, input, was } of inputs) if (input.value.trim() && input.value.trim() !== was) changes[name] = input.value.trim();
      if (!Object.keys(changes).length) setText(this.said, "Change the amount or the price first.");
      else this.act("edit", changes);
    });
    return form;
  }

  makeRejectForm() {
    const reason = h("input", { type: "text", maxlength: "500", autocomplete: "off" });
    const form = h("form", { class: "mx-inline", hidden: true },
      h("label", { class: "mx-wide" }, "Reason (the model will read it)", reason),
      h("button", { type: "submit", class: "mx-button mx-danger" }, "Reject it"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.act("reject", reason.value.trim() ? { reason: reason.value.trim() } : {});
    });
    return form;
  }

  toggle(button, form) {
    for (const [other, its] of [[this.edit, this.editForm], [this.reject, this.rejectForm]]) {
      const open = its === form && its.hidden;
      its.hidden = !open;
      other.setAttribute("aria-expanded", String(open));
    }
    const input = form.hidden ? null : form.querySelector("input");
    if (input) input.focus();
    else button.focus();
    accept(this.actions);
  }

  async act(what, more) {
    if (this.busy || performance.now() - lastAnswer < QUIET_MS) return;
    this.busy = true;
    const focused = this.node.contains(document.activeElement) ? document.activeElement : null;
    this.hadFocus = focused !== null; // a disabled button loses the focus, and the answer should get it
    this.enable(false);
    setText(this.said, "");
    try {
      const answer = await post(`/api/${what}`, { id: this.proposal.id, ...more });
      lastAnswer = performance.now();
      takeProposal(answer);
      if (what === "edit") {
        takeProposal({ ...this.proposal, state: "voided", replaced_by: answer.id, outcome: null });
        drawDock();
        cards.get(answer.id)?.title.focus();
      }
    } catch (error) {
      await this.failed(error);
      if (focused?.isConnected) focused.focus();
    }
    this.busy = false;
    redraw(drawDock);
  }

  // A second answer, a late one: say why, and show what the desk holds now.
  async failed(error) {
    setText(this.said, error.message);
    announce(error.message);
    this.enable(true);
    if (![404, 409, 410].includes(error.status)) return;
    try {
      const reply = await fetch(`/api/proposals/${encodeURIComponent(this.proposal.id)}`, { cache: "no-store" });
      if (reply.ok) takeProposal(await reply.json());
    } catch {
      setText(this.said, `${error.message} The app does not answer either.`);
    }
  }

  enable(yes) {
    for (const button of this.node.querySelectorAll(".mx-card-foot button")) button.disabled = !yes;
  }

  update(proposal) {
    this.proposal = proposal;
    setText(this.market, liveMarket(proposal.card.wire?.symbol));
    if (proposal.state === "approved") {
      setText(this.left, "approved · sending…");
      this.enable(false);
      return;
    }
    const left = Math.ceil((Date.parse(proposal.expires_at) - Date.now() - state.clockOffset) / 1000);
    setText(this.left, left > 0 ? `expires in ${left} s` : "expired");
    this.left.classList.toggle("mx-soon", left <= 20);
    if (left <= 0) this.enable(false);
  }
}

const OUTCOME = {
  filled: ["●", "Filled", "ok"], partly_filled: ["▲", "Partly filled", "slow"], resting: ["●", "Resting in the book", "ok"],
  cancelled: ["○", "Cancelled", "off"], rejected: ["■", "Rejected by the exchange", "down"],
  unknown: ["▲", "Not known yet; being looked up", "slow"], refused_at_send: ["■", "Refused when sending", "down"], applied: ["●", "Applied", "ok"],
};
const ANSWERED = { rejected: ["○", "Rejected by you", "off"], expired: ["○", "Expired unanswered", "off"],
  refused: ["■", "Refused by the rules; nothing was sent", "down"] };

function verdictOf({ state: answered, outcome }) {
  if (answered === "approved") return OUTCOME[outcome?.state] ?? ["▲", "Approved", "slow"];
  return ANSWERED[answered] ?? ["○", answered, "off"];
}

function settledNode(proposal) {
  const [glyph, word, light] = verdictOf(proposal);
  const { outcome } = proposal;
  const records = outcome?.record_ids?.length ? outcome.record_ids : [proposal.record_id].filter(Boolean);
  return h("li", { class: "mx-settled", "data-id": proposal.id, tabindex: "-1" },
    h("div", {}, h("span", { class: `mx-${light}` }, h("span", { "aria-hidden": "true" }, `${glyph} `), h("strong", {}, word))),
    h("div", { class: "mx-settled-title" }, proposal.card.title),
    outcome?.text ? h("p", {}, outcome.text) : null,
    proposal.state === "refused" ? refusalOf(proposal) : null,
    h("div", { class: "mx-settled-foot" },
      records.length ? h("span", {}, "Receipts: ", records.slice(-3).map((id) => [recordLink(id), " "])) : null,
      h("button", { type: "button", class: "mx-button mx-small", onclick: () => { dismissed.add(proposal.id); drawDock(); } }, "Dismiss")));
}

function refusalOf({ verdict }) {
  const checks = verdict?.checks ?? [];
  const failed = checks.filter((check) => !check.ok && !isOwnYes(check));
  return h("ul", { class: "mx-refusal", "aria-label": `${failed.length} of ${checks.length} checks failed` }, failed.map((check) => h("li", {},
    h("span", { class: "mx-down", "aria-hidden": "true" }, "✗ "), check.text,
    h("span", { class: "mx-check-rule" }, check.code, numbersOf(check.numbers)))));
}

function isOver(proposal) {
  if (proposal.state === "pending") return false;
  return proposal.state !== "approved" || Boolean(proposal.outcome);
}

function isNews(proposal) {
  const age = Date.now() + state.clockOffset - Date.parse(proposal.created_at);
  return isOver(proposal) && proposal.state !== "voided" && !dismissed.has(proposal.id) && age < SETTLED_FOR_MS;
}

function drawWaiting(open) {
  let newest = null;
  for (const proposal of open) {
    if (!cards.has(proposal.id)) {
      const card = new Card(proposal);
      cards.set(proposal.id, card);
      const replaced = [...waiting.children].find((node) => state.proposals.get(node.dataset.id)?.replaced_by === proposal.id);
      waiting.insertBefore(card.node, replaced ?? waiting.firstChild);
      if (!replaced) newest = card;
    }
    cards.get(proposal.id).update(proposal);
  }
  return newest;
}

// The newest stands on top; whoever is busy in another card is not scrolled away from it.
function showNewest(card) {
  if (!card || waiting.contains(document.activeElement)) return;
  dock.scrollTop = 0;
}

// Where the dock stands below the chat, this leads to the newest card.
export const cardLink = h("button", { type: "button", class: "mx-button mx-primary mx-goto", hidden: true, onclick: () => {
  const card = cards.get(waiting?.firstElementChild?.dataset.id);
  redrawSteadily(() => card?.node.scrollIntoView({ block: "start" }));
  card?.title.focus({ preventScroll: true });
} }, "Go to the card");

function drawSettled(recent) {
  const nodes = new Map([...settled.children].map((node) => [node.dataset.id, node]));
  for (const proposal of recent) {
    const key = `${proposal.state}${proposal.outcome?.state ?? ""}${proposal.outcome?.text ?? ""}`;
    const old = nodes.get(proposal.id);
    nodes.delete(proposal.id);
    if (old?.dataset.key === key) continue;
    const fresh = settledNode(proposal);
    fresh.dataset.key = key;
    if (old) old.replaceWith(fresh);
    else settled.prepend(fresh);
  }
  for (const node of nodes.values()) node.remove();
}

function drawDock() {
  if (dock) redrawSteadily(drawAll);
}

function drawAll() {
  const all = [...state.proposals.values()].sort(byCreation);
  const open = all.filter((proposal) => !isOver(proposal));
  const recent = all.filter(isNews).slice(-KEPT_SETTLED);
  const focused = document.activeElement?.closest?.(".mx-card")?.dataset.id;
  const newest = drawWaiting(open);
  drawSettled(recent);
  for (const [id, card] of cards) {
    if (open.some((proposal) => proposal.id === id)) continue;
    card.node.remove();
    cards.delete(id);
    if (focused === id || card.hadFocus) settled.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus();
  }
  empty.hidden = open.length > 0;
  setText(heading, open.length > 1 ? `Waiting for you (${open.length})` : "Waiting for you");
  dock.classList.toggle("mx-has-cards", open.length > 0);
  cardLink.hidden = open.length === 0;
  setText(cardLink, open.length > 1 ? `Go to the newest of ${open.length} cards` : "Go to the card");
  showNewest(newest);
  speak(all, open);
}

function speak(all, open) {
  const now = new Map(all.map((proposal) => [proposal.id, isOver(proposal) ? `${proposal.state}${proposal.outcome?.state ?? ""}` : "open"]));
  if (announced) {
    const fresh = open.filter((proposal) => !announced.has(proposal.id));
    if (fresh.length) announce(`New proposal: ${fresh.map((proposal) => proposal.card.title).join("; ")}`);
    for (const proposal of all) {
      const isNew = !announced.has(proposal.id) && proposal.state === "refused";
      if (isNew) announce(`${verdictOf(proposal)[1]}: ${proposal.card.title}`);
      if (announced.get(proposal.id) === "open" && isOver(proposal)) {
        announce(`${verdictOf(proposal)[1]}: ${proposal.card.title}. ${proposal.outcome?.text ?? ""}`);
      }
    }
  }
  announced = now;
}

export function fillDock(node) {
  empty = h("p", { class: "mx-empty" }, "Nothing waits for your answer. A proposal appears here as a card; nothing is sent before you approve it.");
  waiting = h("div", { class: "mx-waiting" });
  settled = h("ul", { class: "mx-settled-list", "aria-label": "Answered lately" });
  heading = h("h2", { id: "mx-dock-title" }, "Waiting for you");
  dock = h("section", { class: "mx-dock", "aria-labelledby": "mx-dock-title" },
    heading, empty, waiting, settled);
  node.append(dock);
  for (const topic of ["all", "proposal"]) on(topic, () => redraw(drawDock));
  setInterval(() => {
    if (document.hidden) return;
    for (const card of cards.values()) card.update(card.proposal);
    look();
  }, 500);
  watchResizing(dock, waiting, document.body);
  drawDock();
}
