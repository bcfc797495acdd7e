"""Software that nobody here wrote, trading on the embedded exchange unchanged."""
