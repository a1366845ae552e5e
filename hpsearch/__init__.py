"""hpsearch: a self-hosted hyperparameter search that answers with a range and its evidence."""
