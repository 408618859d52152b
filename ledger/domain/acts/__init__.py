"""Every kind of operation, declared once: a module each, and the vocabulary that they share."""
