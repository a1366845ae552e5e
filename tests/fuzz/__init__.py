"""Input that nobody meant well: requests from the OpenAPI document, raw bytes, hostile files.

`make fuzz` runs all of it against a server of its own on the loopback; a short, seeded part runs
with the other tests. What must hold whatever is sent: no 5xx, nothing of one owner to another or
to nobody, bounded memory.
"""
