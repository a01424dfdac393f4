"""What is made of every result of a source, beside the pictures that its sink takes."""
