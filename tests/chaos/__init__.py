"""The chaos harness: whole searches while everything around them breaks, by a seeded plan."""
