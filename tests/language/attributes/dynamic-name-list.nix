let name = [ "a" ]; in { ${name} = 2; }
