"a" + "${true}"
