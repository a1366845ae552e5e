"""`python -P -m hpsearch.cli`, the same as `hpsearch`."""

from hpsearch.cli import main

if __name__ == "__main__":
    main()
