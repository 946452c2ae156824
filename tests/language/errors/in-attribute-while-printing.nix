{ good = 1; nested.bad = throw "inside"; }
