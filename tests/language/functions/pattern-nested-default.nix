# Defaults see each other in any order.
({ a ? b, b ? c, c ? 3 }: [ a b c ]) { }
