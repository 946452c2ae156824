# A name that is none of an identifier is quoted.
({ a }: a) { a = 1; "b c\n" = 2; }
