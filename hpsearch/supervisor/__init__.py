"""The embedded service as processes: broker, API, loop and workers, started and restarted.

`home` is the data folder and who may use it, `broker` the embedded Valkey server, `child` one
process with its log, `restarts` when to start it again, `service` all of them together.
"""
