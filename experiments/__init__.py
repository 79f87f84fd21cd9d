"""What archduel compares: pairs, the data they learn from, and how they are judged."""
