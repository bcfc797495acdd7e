// A click counts only on a button that has stood still: what slides under a waiting pointer was not aimed at.

const STILL_MS = 700;
const SLACK_PX = 1;

const rows = new Map(); // a card's row of buttons: { foot, place, quietUntil }

const screenTop = (row) => (row.getClientRects().length ? row.getBoundingClientRect().top : null);

// Where the row stands with the person's own scrolling taken out; null while its tab is shut.
function placeOf(row) {
  const top = screenTop(row);
  if (top === null) return null;
  let scrolled = 0;
  for (let node = row.parentElement; node; node = node.parentElement) scrolled += node.scrollTop;
  return top + scrolled;
}

function isElsewhere(was, now) {
  if (was === null || now === null) return was !== now;
  return Math.abs(was - now) > SLACK_PX;
}

function dim(entry, yes) {
  for (const button of entry.foot.querySelectorAll("button")) {
    if (yes) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

function hush(entry) {
  entry.quietUntil = performance.now() + STILL_MS;
  dim(entry, true);
  setTimeout(() => { if (!isQuiet(entry)) dim(entry, false); }, STILL_MS + 1);
}

const isQuiet = (entry) => performance.now() < entry.quietUntil;

// Whatever moved since the last look starts its quiet time now.
export function look() {
  for (const [row, entry] of rows) {
    if (!row.isConnected) {
      rows.delete(row);
      continue;
    }
    const place = placeOf(row);
    if (isElsewhere(entry.place, place)) hush(entry);
    entry.place = place;
  }
}

// Runs a redraw and quiets every row that it moved on the screen, its own scrolling included.
export function redrawSteadily(change) {
  const before = new Map([...rows.keys()].map((row) => [row, screenTop(row)]));
  change();
  for (const [row, entry] of rows) {
    if (row.isConnected && isElsewhere(before.get(row) ?? null, screenTop(row))) hush(entry);
  }
  look();
}

// The person's own press moved this row: that is no surprise to them.
export function accept(row) {
  const entry = rows.get(row);
  if (entry) entry.place = placeOf(row);
}

const resized = new ResizeObserver(look);

export function watchResizing(...nodes) {
  for (const node of nodes) resized.observe(node);
}

// A key's press (no pointer, no click count) always counts: the focus does not slide.
const isByPointer = (event) => event.detail > 0 || Boolean(event.pointerType);

export function guardFoot(foot, row) {
  const entry = { foot, place: null, quietUntil: 0 };
  rows.set(row, entry);
  foot.addEventListener("click", (event) => {
    look();
    if (!isByPointer(event) || !isQuiet(entry) || !event.target.closest("button")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
}
