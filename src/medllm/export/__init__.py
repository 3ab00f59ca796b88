"""From a trained model to files that other programs run, proved to be the same model."""
