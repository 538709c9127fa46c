"""How a dense network becomes a sparse one: in one shot, gradually, or in rounds with rewinding."""
