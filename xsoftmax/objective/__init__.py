"""The function that training minimises, its rows and its coordinates; no choice of algorithm."""
