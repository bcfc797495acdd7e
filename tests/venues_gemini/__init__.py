"""The Gemini client against vectors, recordings and real sockets."""
