# A path in a string is copied to the store.
"${./data/wish.txt}"
