"""Look at the data before training on it: labels, pictures, faces, duplicates, and what follows from them."""
