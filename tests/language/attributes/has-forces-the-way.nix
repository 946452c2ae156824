{ a = throw "on the way"; } ? a.b
