# A rec set's own names win over `with`.
with { a = 1; z = 26; }; rec { a = 2; b = a + z; }
