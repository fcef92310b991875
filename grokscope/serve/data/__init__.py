"""What the pages ask for, and what they change, a file each."""
