"""What commands print: tables, pictures and lines for a person at a terminal."""
