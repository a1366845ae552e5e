"""The embedded service as processes: broker, API, loop and workers, started and restarted.

`home` is the data folder with its lock and key, `broker` the embedded Valkey server, `child` a
process with its log, `fork` how one of ours begins, `restarts` the rule for starting it again,
`readiness` the question whether the API answers, `service` all of them together.
"""
