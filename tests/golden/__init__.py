"""Golden searches: small whole searches whose digests were stored with an earlier build.

`searches.py` holds them as data, `play.py` plays them over the HTTP routes, `inside.py` is the
only file that knows the service's internals. `digests.json` holds the expected answers.
"""
