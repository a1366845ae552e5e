"""Values for people: views of the contract, and how rows become them."""
