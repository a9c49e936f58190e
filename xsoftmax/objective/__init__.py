"""The function that training minimises, its rows and coordinates; no choice of algorithm."""
