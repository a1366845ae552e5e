"""Public files as other people published them: taken by parameters alone, understood, learned from."""
