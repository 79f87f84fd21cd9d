"""Where results live: the ledger, which is the truth, and its projections in MLflow and Optuna."""
