<no/such/thing>
