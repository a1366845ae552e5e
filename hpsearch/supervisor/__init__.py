"""The embedded service as processes: broker, API, loop and workers, started and restarted.

`home` is the data folder with its lock and key, `broker` the embedded Valkey server, `child` a
process with its log, `restarts` the rule for starting it again, `service` all of them together.
"""
