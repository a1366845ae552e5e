"""`python -P -m api [--host HOST] [--port PORT]`."""

import sys

from api.server import main

if __name__ == "__main__":
    sys.exit(main())
