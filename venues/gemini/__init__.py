"""The Gemini wire: catalogue, signing, parsing, books, client and sockets."""
