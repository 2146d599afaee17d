"""The edge agent of a checkout-free store's shelf: load cells and cameras in, item events out."""
