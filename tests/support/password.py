"""Password of every user of the tests, apart from the factory because pictures and journeys run without Django."""

PASSWORD = "correct horse battery"
