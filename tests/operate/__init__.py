"""A whole service under the load and the faults that its operator fears."""
