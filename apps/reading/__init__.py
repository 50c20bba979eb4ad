"""Read files into pages with words and places, and cut pages into chunks; confined processes do it. Knows no Django."""
