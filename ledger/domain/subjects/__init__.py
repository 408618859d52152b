"""Operations → the state of what they are about: units, signers, machines, cycles."""
