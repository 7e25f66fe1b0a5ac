"""The pure middle: values and decisions, without I/O, clock, scheduler, randomness or logging."""
