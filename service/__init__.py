"""archduel's machinery: people who run experiments edit `configs/` and `experiments/`, not this."""
