"""Colours of the page: 7:1 text contrast in light and dark, measured on the worst of three backgrounds."""

from __future__ import annotations

from typing import Any

_LIGHT_DARK: dict[str, tuple[str, str]] = {
    "body_background_fill": ("#FFFFFF", "#0C1015"),
    "background_fill_primary": ("#F4F6F8", "#151B22"),
    "background_fill_secondary": ("#E7ECF1", "#1F2730"),
    "block_background_fill": ("#F4F6F8", "#151B22"),
    "block_label_background_fill": ("#F4F6F8", "#151B22"),
    "block_title_text_color": ("#10151B", "#F2F5F8"),
    "block_label_text_color": ("#10151B", "#F2F5F8"),
    "block_info_text_color": ("#39434E", "#C3CCD6"),
    "body_text_color": ("#10151B", "#F2F5F8"),
    "body_text_color_subdued": ("#39434E", "#C3CCD6"),
    "border_color_primary": ("#5C6875", "#7D8A99"),
    "border_color_accent": ("#0B3FA8", "#9CC6FF"),
    "block_border_color": ("#5C6875", "#7D8A99"),
    "color_accent_soft": ("#E7ECF1", "#1F2730"),
    "link_text_color": ("#0B3FA8", "#9CC6FF"),
    "link_text_color_hover": ("#0B3FA8", "#9CC6FF"),
    "link_text_color_active": ("#0B3FA8", "#9CC6FF"),
    "link_text_color_visited": ("#0B3FA8", "#9CC6FF"),
    "input_background_fill": ("#FFFFFF", "#0C1015"),
    "input_background_fill_focus": ("#FFFFFF", "#0C1015"),
    "input_border_color": ("#5C6875", "#7D8A99"),
    "input_border_color_focus": ("#0B3FA8", "#FFD84D"),
    "input_placeholder_color": ("#39434E", "#C3CCD6"),
    "checkbox_border_color": ("#5C6875", "#7D8A99"),
    "checkbox_label_background_fill": ("#E7ECF1", "#1F2730"),
    "checkbox_label_text_color": ("#10151B", "#F2F5F8"),
    "button_primary_background_fill": ("#0B3FA8", "#9CC6FF"),
    "button_primary_background_fill_hover": ("#0A3590", "#B9D7FF"),
    "button_primary_border_color": ("#0B3FA8", "#9CC6FF"),
    "button_primary_text_color": ("#FFFFFF", "#07121F"),
    "button_primary_text_color_hover": ("#FFFFFF", "#07121F"),
    "button_secondary_background_fill": ("#E7ECF1", "#1F2730"),
    "button_secondary_background_fill_hover": ("#D9E1E9", "#2A3440"),
    "button_secondary_border_color": ("#5C6875", "#7D8A99"),
    "button_secondary_text_color": ("#10151B", "#F2F5F8"),
    "button_secondary_text_color_hover": ("#10151B", "#F2F5F8"),
    "panel_background_fill": ("#F4F6F8", "#151B22"),
    "table_even_background_fill": ("#F4F6F8", "#151B22"),
    "table_odd_background_fill": ("#FFFFFF", "#0C1015"),
}


def make_theme() -> Any:
    """Return the Gradio theme: system fonts only, so that nothing is fetched from outside."""
    from gradio.themes import Base

    values: dict[str, str] = {"color_accent": "#0B3FA8"}
    for key, (light, dark) in _LIGHT_DARK.items():
        values[key] = light
        values[f"{key}_dark"] = dark
    theme = Base(
        font=["system-ui", "DejaVu Sans", "sans-serif"],
        font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
    )
    return theme.set(**values)
