"""The page that Gradio draws: tabs, forms and empty places that `static/main.js` fills.

There is no Gradio event at all: `static/forms.js` listens to the forms, so that a press before Gradio has
attached its own handlers counts too, and what acts or reads goes through the routes of this package.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

# Read by gradio when it is imported: no telemetry, no look-ups on the network.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")

UI_PATH = "/ui"
TITLE = "crypto-matrix"
_HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/desk.css">
<script type="module" src="/static/main.js"></script>
"""


def _place(gr: Any, name: str) -> None:
    """Leave an empty place for the script; it holds no text of a model, a venue or the journal."""
    gr.HTML(f'<div class="mx-place" data-mx="{name}"></div>', apply_default_css=False, padding=False)


def _chat(gr: Any) -> None:
    with gr.Column(elem_id="mx-chat"):
        _place(gr, "conversations")
        _place(gr, "transcript")
        with gr.Row(elem_id="mx-composer"):
            gr.Textbox(
                label="Message",
                placeholder="Ask, or propose a trade",
                lines=1,
                max_lines=5,
                interactive=True,
                elem_id="mx-message",
                scale=8,
            )
            gr.Button("Send", variant="primary", elem_id="mx-send", scale=1, min_width=88)
        _place(gr, "dock")


def _journal(gr: Any) -> None:
    with gr.Row(elem_id="mx-search"):
        gr.Textbox(
            label="Search the journal",
            placeholder="words, an order id, or a record id (R-…)",
            max_length=200,
            interactive=True,
            elem_id="mx-search-text",
            scale=6,
        )
        gr.Textbox(
            label="Kind",
            placeholder="fill, order, verdict …",
            max_length=40,
            interactive=True,
            elem_id="mx-search-kind",
            scale=2,
        )
        gr.Textbox(
            label="Symbol",
            placeholder="btcusd",
            max_length=12,
            interactive=True,
            elem_id="mx-search-symbol",
            scale=2,
        )
        gr.Button("Search", variant="primary", elem_id="mx-search-go", scale=1, min_width=100)
    _place(gr, "journal")


def draw() -> Any:
    """Return the `gr.Blocks`; slow, since it imports gradio, so call it in a thread.

    A loop runs meanwhile: without one Gradio makes loops for its locks and never closes them.
    """
    return asyncio.run(_draw())


async def _draw() -> Any:
    import gradio as gr

    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as demo:
        _place(gr, "heading")
        with gr.Tabs(elem_id="mx-tabs", selected="chat"):
            with gr.Tab("Chat", id="chat", render_children=True):
                _chat(gr)
            for name in ("Markets", "Orders", "Connections"):
                with gr.Tab(name, id=name.lower(), render_children=True):
                    _place(gr, name.lower())
            with gr.Tab("Journal", id="journal", render_children=True):
                _journal(gr)
    demo.queue(default_concurrency_limit=4, max_size=64, api_open=False)
    return demo


def mount_page(app: Any, demo: Any) -> Any:
    """Mount the page on `app` below `UI_PATH` and return Gradio's own app, whose lifespan the caller runs."""
    import gradio as gr

    from app.theme import make_theme

    gr.mount_gradio_app(
        app,
        demo,
        path=UI_PATH,
        theme=make_theme(),
        head=_HEAD,
        run_history=False,
        footer_links=[],
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        show_error=False,
    )
    return app.routes[-1].app
