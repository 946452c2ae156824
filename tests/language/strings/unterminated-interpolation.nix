"abc ${1
