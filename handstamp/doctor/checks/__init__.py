"""The checks, by what they look at: small functions from a case to findings. `handstamp.doctor.table` names all."""
