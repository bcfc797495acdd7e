"""The web app: chat, approval cards, live tables and lights."""
