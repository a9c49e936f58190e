"""Products with Hessians and with inverse Hessians, exact and approximate; no steps."""
