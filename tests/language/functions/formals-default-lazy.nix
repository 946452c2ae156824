({ a ? throw "default", b ? 1 }: b) { }
