# No blanks stay at the end of a line, no empty lines at the end of a message; a step without a text is none.
builtins.addErrorContext "" (builtins.addErrorContext "step \nof two lines " (throw "a \n  \n b\n\n"))
