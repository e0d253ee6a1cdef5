"""Mixed-effects regression under R's vocabulary."""
