"""Real services for tests: PostgreSQL, Valkey, the project's own processes. No mocks."""
