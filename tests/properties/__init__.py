"""What holds for any data: drawn at random, on every backend and for every source of rows."""
