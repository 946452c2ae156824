# The default answers for a missing attribute, not for an error on the way.
{ a = throw "reached"; }.a.b or 1
