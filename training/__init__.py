"""Everything that needs more than the robot has: scenes, expressions, data sets, models, training, evaluation."""
