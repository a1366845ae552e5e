"""The search benchmarks: hpsearch and its peers on the same problems, in the same run."""
