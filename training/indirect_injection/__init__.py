"""Training of the detector of instructions planted in documents: `./run train indirect_injection`."""
