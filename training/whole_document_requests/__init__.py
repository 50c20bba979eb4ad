"""Training of the classifier of requests for a whole document: `./run train whole_document_requests`."""
