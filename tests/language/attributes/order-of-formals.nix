# The default of a formal is read before its name.
({ zirk ? zark, zark ? 1 }: { zark = throw "zark"; zirk = throw "zirk"; }) { }
