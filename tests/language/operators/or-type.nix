"x" || true
