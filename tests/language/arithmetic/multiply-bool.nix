3 * true
