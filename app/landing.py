"""The small pages outside Gradio: the way in, "starting", "no such page". No script, no outside resource."""

from __future__ import annotations

from html import escape

_STYLE = """
:root { color-scheme: light dark; --bg: #FFFFFF; --panel: #F4F6F8; --text: #10151B; --muted: #39434E;
  --line: #5C6875; --bad: #9B0F0F }
@media (prefers-color-scheme: dark) {
  :root { --bg: #0C1015; --panel: #151B22; --text: #F2F5F8; --muted: #C3CCD6;
    --line: #7D8A99; --bad: #FF9C94 }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--bg);
  color: var(--text); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif }
main { max-width: 34rem; margin: 1rem; padding: 1.75rem 2rem; background: var(--panel);
  border: 1px solid var(--line); border-radius: 10px }
h1 { font-size: 1.35rem; margin: 0 0 .5rem }
p { margin: .6rem 0; color: var(--muted) }
a { color: var(--text) }
code { font: 1rem ui-monospace, "DejaVu Sans Mono", monospace; background: var(--bg); color: var(--text);
  border: 1px solid var(--line); border-radius: 4px; padding: .1rem .4rem }
.bad { color: var(--bad); font-weight: 600 }
"""


def _document(title: str, body: str, extra_head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>{extra_head}'
        f"<style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


def way_in(problem: str = "") -> str:
    """Return the page for a browser without a session; `problem` says why a code did not work."""
    trouble = f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else ""
    return _document(
        "crypto-matrix: sign in",
        f"<h1>crypto-matrix</h1>{trouble}"
        "<p>The desk is running, and this browser is not signed in yet.</p>"
        "<p>In the terminal run <code>matrix url</code> and open the address that it prints. "
        "The address works once, within ten minutes, and signs this browser in for thirty days.</p>",
    )


def nowhere() -> str:
    """Return the page for an address that leads to nothing."""
    return _document(
        "crypto-matrix: no such page",
        "<h1>There is no such page</h1>"
        "<p>The address may be mistyped, or from an older version.</p>"
        '<p><a href="/">Back to the desk</a></p>',
    )


def starting(what: str) -> str:
    """Return the page shown while the rest of the app is still loading; it reloads itself each second."""
    return _document(
        "crypto-matrix: starting",
        f'<h1>crypto-matrix</h1><p role="status">{escape(what)}</p><p>This page goes on by itself.</p>',
        '<meta http-equiv="refresh" content="1">',
    )
