"""Tables that the pure core reads: profiles of thermal programmes."""
