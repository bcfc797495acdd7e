"""From one operation to many readers: each view encoded once, nobody waits for a slow one."""
