"""The matrix command."""
