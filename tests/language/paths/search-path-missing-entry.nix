[ (builtins.tryEval <x>).success (builtins.tryEval <x/y>).success ]
