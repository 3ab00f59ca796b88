"""What a patient description says: findings, their context and their values."""
