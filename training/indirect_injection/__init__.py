"""Training of the detector of indirect prompt injections: `./run train indirect_injection`."""
