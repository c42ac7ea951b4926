"""What every driver must do, against parts that are real."""
